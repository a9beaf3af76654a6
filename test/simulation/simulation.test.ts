import { describe, expect } from "bun:test";
import { reportedTests } from "../gate/reported-test.ts";
import { type Result, type SimulationOptions, simulate } from "./simulation.ts";

const { test } = reportedTests(import.meta.path);

describe("the core in a world of faults", () => {
  test("keeps its promises, whatever breaks", async (report) => {
    const results: Result[] = [];
    for (let seed = 1; seed <= 12; seed++) results.push(await simulate({ seed }));
    report.tried({ seeds: results.length, steps: results.reduce((sum, { steps }) => sum + steps, 0) });
    report.found({ wrong: results.flatMap(({ wrong }) => wrong) });
    expect(results.flatMap(({ seed, wrong }) => wrong.map((text) => `seed ${seed}: ${text}`))).toEqual([]);
    const total = (name: string): number => results.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0);
    // A run in which little happens would prove little.
    for (const happened of ["kills", "powerLosses", "stops", "stored", "spooled", "disk torn", "store lost"])
      expect({ happened, isThere: total(happened) > 10 }).toEqual({ happened, isThere: true });
    expect(results.reduce((sum, { steps }) => sum + steps, 0)).toBeGreaterThan(20_000);
  }, 60_000);

  test("sets aside what a flipped bit has damaged, and never passes it on", async (report) => {
    report.tried({ seeds: 4 });
    for (let seed = 1; seed <= 4; seed++) {
      const { wrong, counts } = await simulate({ seed, bitFlips: true });
      report.found({ wrong, [`bits flipped, seed ${seed}`]: counts["disk bitFlips"] });
      expect({ seed, wrong }).toEqual({ seed, wrong: [] });
      expect(counts["disk bitFlips"]).toBeGreaterThan(0);
    }
  }, 60_000);

  test("is the same again from the same seed, and another from another", async (report) => {
    const [first, again, other] = [
      await simulate({ seed: 7 }),
      await simulate({ seed: 7 }),
      await simulate({ seed: 8 }),
    ];
    report.tried({ seeds: [7, 7, 8] });
    report.found({ traces: [first.trace, again.trace, other.trace] });
    expect(again).toEqual(first);
    expect(other.trace).not.toBe(first.trace);
  }, 60_000);
});

describe("the simulation notices", () => {
  // By what each of them does, not by an accident beside it.
  const lost = /neither in the store nor on the spool/;
  const wrongTables = /tables|dead letters|rows|pair/;
  const broken: readonly (readonly [string, Omit<SimulationOptions, "seed">, RegExp])[] = [
    ["a disk that does not flush", { diskLie: "flush_does_nothing" }, lost],
    ["an answer before anything is stored", { mutation: "stored_unsent" }, lost],
    ["a forwarder that makes new ids", { mutation: "fresh_ids" }, lost],
    ["a cursor that moves before the append", { mutation: "acknowledge_first" }, lost],
    [
      "a forwarder that never looks for what may have been sent before",
      { mutation: "no_look" },
      /is stored twice/,
    ],
    ["refused events that are kept nowhere", { mutation: "drop_refused" }, lost],
    ["rows that are stored apart from their checkpoint", { databaseLie: "checkpoint_apart" }, wrongTables],
    ["a checkpoint that anybody may move", { databaseLie: "checkpoint_not_compared" }, wrongTables],
  ];
  for (const [what, options, sign] of broken) {
    test(what, async (report) => {
      const found: string[] = [];
      for (let seed = 1; seed <= 400 && !found.some((text) => sign.test(text)); seed++) {
        found.push(...(await simulate({ seed, ...options })).wrong);
        report.tried({ seeds: seed });
      }
      report.found({ wrong: found });
      expect(found.filter((text) => sign.test(text))).not.toEqual([]);
    }, 180_000);
  }
});
