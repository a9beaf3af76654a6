// A test process that ends early, and says that all is well.

import { expect } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const { random, test } = reportedTests(import.meta.path);

test("passes before", (report) => {
  report.tried({ tests: 1 });
  expect(random.seed).toBe(11);
});
test("ends the process", () => process.exit(0));
