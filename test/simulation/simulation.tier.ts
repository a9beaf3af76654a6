// The simulation at length: two million steps over many seeds. SIMULATION_SEED replays one of them alone.

import { expect } from "bun:test";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { type Result, simulate } from "./simulation.ts";

const { random, test } = reportedTests(import.meta.path);

const steps = 2_000_000;
const onlySeed = setting("SIMULATION_SEED", -1);
const firstSeed = onlySeed < 0 ? random.seed : onlySeed;

/** Every fifth run has a disk that flips bits, every seventh has many more webhooks. */
const run = (seed: number): Promise<Result> =>
  simulate({ seed, bitFlips: seed % 5 === 0, webhooks: seed % 7 === 0 ? 500 : 120 });

test("two million steps, and every promise is kept", async (report) => {
  console.log(`simulation: first seed ${firstSeed}`);
  const startedAt = performance.now();
  const totals: Record<string, number> = {};
  let done = 0;
  let seeds = 0;
  while (done < steps && (seeds === 0 || onlySeed < 0)) {
    const seed = (firstSeed + seeds) >>> 0;
    const { wrong, steps: taken, trace, counts } = await run(seed);
    report.tried({ steps: done + taken, seeds: seeds + 1, lastSeed: seed });
    report.found({ wrong });
    if (wrong.length > 0) console.log(`simulation: SIMULATION_SEED=${seed} replays it (trace ${trace})`);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    for (const [name, n] of Object.entries(counts)) totals[name] = (totals[name] ?? 0) + n;
    done += taken;
    seeds += 1;
    if (seeds % 50 === 1) expect((await run(seed)).trace).toBe(trace);
  }
  report.found(totals);
  // A run in which little happens would prove little.
  for (const happened of ["kills", "powerLosses", "stops", "stored", "spooled", "disk torn", "store lost"])
    expect({ happened, isThere: onlySeed >= 0 || (totals[happened] ?? 0) > 100 }).toEqual({
      happened,
      isThere: true,
    });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`simulation: ${done} steps of ${seeds} seeds from ${firstSeed} in ${seconds} s`);
  for (const [name, n] of Object.entries(totals)) console.log(`  ${name}: ${n}`);
}, 600_000);
