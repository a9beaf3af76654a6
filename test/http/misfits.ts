// Answers that did not hold to their schemas, in the order in which they were seen. Looked at after every test
// (after-all-tests.ts), since a test that expects an error, or waits for no answer, would not notice the one that is thrown.

export const misfits: string[] = [];
