// Every regular expression of the product, examined by recheck: by automata where they can tell, else by attacking it.

import { expect } from "bun:test";
import { reportedTests } from "../gate/reported-test.ts";
import { findRegexes } from "./regexes.ts";

const { test } = reportedTests(import.meta.path);

// Without Java and without programs of another platform.
process.env.RECHECK_BACKEND = "pure";
const { checkSync } = await import("recheck");

/** Always the same: whether an attack is found is to depend on the regexes alone. */
const seed = 20_261_125;
/** It counts steps and looks at no clock: a slow machine says the same. */
const options = {
  randomSeed: seed,
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  seedingTimeout: null,
};

const { regexes, unknown, files } = findRegexes();

test("recheck tells a slow regex from a quick one", (report) => {
  report.tried({ slow: 2, quick: 1 });
  const statuses = ["^(a+)+$", "\\s+$", "^[a-z]+$"].map((regex) => checkSync(regex, "", options).status);
  report.found({ statuses });
  expect(statuses).toEqual(["vulnerable", "vulnerable", "safe"]);
});

test("no regex in src, in projections and in the schemas is slow on any text", (report) => {
  const found = new Map(regexes.map((one) => [`/${one.pattern}/${one.flags}`, one]));
  const bad: object[] = [];
  const started = Date.now();
  for (const [shown, { where, pattern, flags }] of found) {
    const found = checkSync(pattern, flags, options);
    if (found.status === "unknown") bad.push({ where, shown, unknown: found.error });
    if (found.status === "vulnerable")
      bad.push({ where, shown, complexity: found.complexity.summary, by: found.attack.pattern });
  }
  console.log(
    `redos: ${regexes.length} regexes (${found.size} different) in ${files} files, ${bad.length} not safe, ` +
      `seed ${seed}, ${((Date.now() - started) / 1000).toFixed(1)} s`,
  );
  report.tried({ regexes: found.size, files });
  report.found({ notSafe: bad, unknown });
  expect(unknown).toEqual([]);
  expect(found.size).toBeGreaterThan(100);
  expect(bad).toEqual([]);
}, 600_000);
