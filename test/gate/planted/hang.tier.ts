// A test that never ends, and lets nothing else run that could end it.

import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("passes before", () => {});
test("hangs", () => {
  for (;;) performance.now();
});
