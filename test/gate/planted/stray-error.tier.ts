// An error that comes when the test is over.

import { expect } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const { random, test } = reportedTests(import.meta.path);

test("leaves something behind", (report) => {
  report.tried({ errors: 1 });
  expect(random.seed).toBe(11);
  setTimeout(() => {
    throw new Error("nobody waits for this");
  }, 1);
});
test("waits", async (report) => {
  report.tried({ errors: 1 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(random.seed).toBe(11);
});
