// A bound of time that does not hold, however often it is tried.

import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("is late", (report) => {
  report.tried({ bounds: 1 });
  report.timeBound("took in ms", 900, { below: 500 });
});
test("is not", (report) => {
  report.tried({ bounds: 1 });
  report.timeBound("took in ms", 400, { below: 500 });
});
