// A property that does not hold.

import fc from "fast-check";

import { histories, settledSignals } from "../../projections/histories.ts";
import { oracle } from "../../projections/oracle.ts";
import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("no history has an outage", (report) => {
  report.tried({ histories: 1_000 });
  fc.assert(
    fc.property(histories, (history) => {
      const { signals, matching } = settledSignals(history);
      return oracle(signals, matching).outages.length === 0;
    }),
    { numRuns: 1_000 },
  );
}, 60_000);
