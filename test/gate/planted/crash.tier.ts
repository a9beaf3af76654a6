// A test process that a signal ends.

import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("passes before", () => {});
test("crashes", () => void process.kill(process.pid, "SIGSEGV"));
