// A test that never ends, and lets nothing else run that could end it.

import { expect } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const { random, test } = reportedTests(import.meta.path);

test("passes before", (report) => {
  report.tried({ tests: 1 });
  expect(random.seed).toBeGreaterThanOrEqual(0);
});
test("hangs", () => {
  for (;;) performance.now();
});
