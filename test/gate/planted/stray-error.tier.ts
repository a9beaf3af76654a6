// An error that comes when the test is over.

import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("leaves something behind", () => {
  setTimeout(() => {
    throw new Error("nobody waits for this");
  }, 1);
});
test("waits", () => new Promise((resolve) => setTimeout(resolve, 50)));
