// A long test that asserts nothing.

import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("asserts nothing", (report) => report.tried({ assertions: 0 }));
