// Answers that did not hold to their schemas, in the order in which they were seen. Looked at after every test
// (after-all-tests.ts), since a test that expects an error, or waits for no answer, would not notice the one that is thrown.

export const misfits: string[] = [];

/** Throws where there are any, and forgets them. No `expect`: it would count as an assertion of a test that has none. */
export function noMisfits(): void {
  const seen = misfits.splice(0);
  if (seen.length > 0) throw new Error(seen.join("\n"));
}
