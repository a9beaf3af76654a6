// A bound of time that holds when it is tried again, with the same seed.

import { expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { reportedTests } from "../reported-test.ts";
import { plantedScene } from "../run-settings.ts";

const { random, test } = reportedTests(import.meta.path);

test("is late once", (report) => {
  const mark = `${plantedScene}.late`;
  const isAgain = existsSync(mark);
  if (isAgain) expect(Number(readFileSync(mark, "utf8"))).toBe(random.seed);
  else writeFileSync(mark, String(random.seed));
  report.tried({ bounds: 1 });
  report.timeBound("took in ms", isAgain ? 400 : 900, { below: 500 });
});
