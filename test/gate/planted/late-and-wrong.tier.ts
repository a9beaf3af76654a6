// A loss beside an assertion about time that does not hold: no repetition makes up for it.

import { expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { reportedTests } from "../reported-test.ts";
import { plantedScene } from "../run-settings.ts";

const { test } = reportedTests(import.meta.path);
const mark = `${plantedScene}.wrong`;
const isAgain = existsSync(mark);
writeFileSync(mark, "");

test("is late once", (report) => {
  report.tried({ bounds: 1 });
  report.timeBound("took in ms", isAgain ? 400 : 900, { below: 500 });
});
test("is wrong once", (report) => {
  report.tried({ bounds: 1 });
  report.timeBound("took in ms", 900, { below: 500 });
  expect(isAgain ? 0 : 1).toBe(0);
});
