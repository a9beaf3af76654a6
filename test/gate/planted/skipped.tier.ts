// A test that does not run.

import { describe, expect, test } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const reported = reportedTests(import.meta.path);

reported.test("runs", (report) => {
  report.tried({ tests: 1 });
  expect(reported.random.seed).toBe(11);
});
describe.each([["skip"]] as const)("%s", (how) => test[how]("does not run", () => {}));
