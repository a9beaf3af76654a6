// A simulated database that keeps rows whose checkpoint it has forgotten.

import { expect } from "bun:test";
import { simulate } from "../../simulation/simulation.ts";
import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("a lie of the simulated database", async (report) => {
  for (let seed = 1; seed <= 40; seed++) {
    const { wrong, steps } = await simulate({ seed, databaseLie: "checkpoint_apart" });
    report.tried({ seeds: seed, steps });
    report.found({ wrong });
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  }
}, 60_000);
