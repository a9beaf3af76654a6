// A test process that a signal ends.

import { expect } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const { random, test } = reportedTests(import.meta.path);

test("passes before", (report) => {
  report.tried({ tests: 1 });
  expect(random.seed).toBe(11);
});
test("crashes", () => void process.kill(process.pid, "SIGSEGV"));
