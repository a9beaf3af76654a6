// Pairing for any set of signals: the order of arrival does not matter, and everything is accounted for.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pairProject } from "../../src/domain/pair-project.ts";
import { leftOver } from "../../src/domain/pairing.ts";
import type { Matching, Signal } from "../../src/domain/signal.ts";
import { acknowledged, dismissed, down, other, up } from "./signals.ts";

const signals: fc.Arbitrary<Signal[]> = fc.array(
  fc
    .record({
      say: fc.constantFrom(down, down, up, up, dismissed, acknowledged, other),
      incident: fc.constantFrom("a", "b", "c", "d"),
      at: fc.nat(8),
      received: fc.nat(8),
      monitor: fc.constantFrom("", "m1", "m2"),
      exact: fc.boolean(),
      reminder: fc.boolean(),
      started: fc.nat(8),
      names_start: fc.boolean(),
    })
    .map(({ say, started, names_start, ...others }) => {
      const said = { ...others, ...(names_start ? { started } : {}) };
      // Whoever says something else is another event.
      return say({ ...said, message: JSON.stringify(said) });
    }),
  { maxLength: 16 },
);
const matchings = fc.constantFrom<Matching>("incident", "monitor", "project");

const sorted = (some: readonly Signal[], matching: Matching) => {
  const { incidents, ended, open, orphans } = pairProject(some, { matching });
  const byText = (rows: readonly unknown[]) =>
    rows
      .map((row) => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? `${value}` : value)))
      .sort();
  return {
    incidents: byText([...incidents]),
    ended: byText(ended),
    open: byText(open),
    orphans: byText(orphans),
  };
};

describe("for any history", () => {
  test("the order of arrival does not matter, nor how often a signal comes", () => {
    fc.assert(
      fc.property(
        signals.chain((some) =>
          fc.tuple(
            fc.constant(some),
            fc.shuffledSubarray([...some, ...some], { minLength: 2 * some.length }),
            matchings,
          ),
        ),
        ([some, shuffled, matching]) => {
          expect(sorted(shuffled, matching)).toEqual(sorted(some, matching));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("no duration is negative, and every alert, recovery and dismissal is somewhere", () => {
    let recovered = 0;
    fc.assert(
      fc.property(signals, matchings, (some, matching) => {
        const { incidents, ended, open, orphans } = pairProject(some, { matching });
        for (const { recovery } of ended) {
          if (recovery === null) continue;
          recovered++;
          expect(recovery.recovery_us >= 0n).toBe(true);
          expect(recovery.outage_us >= recovery.recovery_us).toBe(true);
        }
        const counts = [...incidents.values()].map((incident) => incident.counts);
        const sum = (of: (one: (typeof counts)[number]) => number) =>
          counts.reduce((total, one) => total + of(one), 0);
        const inOutages = [...ended, ...open.map(({ alerts }) => ({ alerts: alerts.count }))];
        expect(inOutages.reduce((total, { alerts }) => total + alerts, 0)).toBe(sum(({ alerts }) => alerts));
        expect(sum((one) => one.ended + leftOver(one).orphans + leftOver(one).surplus)).toBe(
          sum((one) => one.recoveries + one.dismissals),
        );
        expect(orphans.length).toBe(sum((one) => leftOver(one).orphans));
        expect(ended.length).toBe(
          sum((one) => one.ended) + orphans.filter(({ matched }) => matched !== null).length,
        );
      }),
      { numRuns: 1_000 },
    );
    expect(recovered).toBeGreaterThan(50);
  });
});
