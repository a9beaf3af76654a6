// Pairing for any history: the order of arrival does not matter, and a second, naive reading of the rules agrees.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pairIncidents } from "../../src/domain/pairing.ts";
import type { Matching, Signal } from "../../src/domain/signal.ts";
import { down, other, up } from "./signals.ts";

const signals: fc.Arbitrary<Signal[]> = fc.array(
  fc
    .record({
      say: fc.constantFrom(down, down, up, up, other),
      incident: fc.constantFrom("a", "b", "c", "d"),
      at: fc.nat(8),
      received: fc.nat(8),
      monitor: fc.constantFrom("", "m1", "m2"),
    })
    .map(({ say, ...said }) => say({ ...said, message: said.monitor })),
  { maxLength: 16 },
);
const matchings = fc.constantFrom<Matching>("incident", "monitor", "project");

const sorted = (signals: readonly Signal[], matching: Matching) => {
  const { records, outages, orphans } = pairIncidents(signals, { matching });
  const byText = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
  return {
    records: byText([...records.values()].flat()),
    outages: byText(outages),
    orphans: byText(orphans),
  };
};

/** One moment after another, with no lists kept but who is open: each RECOVERY looks for its outage anew. */
function naiveEnds(signals: readonly Signal[], matching: Matching): string[] {
  const { records } = pairIncidents(signals, { matching });
  const all = [...records.values()].flat();
  const alerts = all.filter(({ kind }) => kind === "ALERT");
  const hasAlert = (incident: string) => alerts.some(({ incident_id }) => incident_id === incident);
  /** Every end so far: which incident's outage, and when. */
  const ends: { incident: string; time: string; by: string }[] = [];
  const openAlerts = (incident: string, until: string) => {
    const last =
      ends
        .filter((end) => end.incident === incident)
        .map(({ time }) => time)
        .sort()
        .at(-1) ?? "";
    return alerts.filter(
      ({ incident_id, effective_time }) =>
        incident_id === incident && effective_time > last && effective_time <= until,
    );
  };
  const recoveries = all
    .filter(({ kind }) => kind === "RECOVERY")
    .sort((a, b) =>
      `${a.effective_time}${a.incident_id}${a.incident_time}` <
      `${b.effective_time}${b.incident_id}${b.incident_time}`
        ? -1
        : 1,
    );
  for (const own of recoveries.filter(({ incident_id }) => hasAlert(incident_id))) {
    if (openAlerts(own.incident_id, own.effective_time).length > 0) {
      ends.push({ incident: own.incident_id, time: own.effective_time, by: "incident_id" });
    }
  }
  const lastOwn = new Map(
    recoveries
      .filter(({ incident_id }) => hasAlert(incident_id))
      .map((own) => [own.incident_id, own.effective_time]),
  );
  for (const orphan of recoveries.filter(({ incident_id }) => !hasAlert(incident_id))) {
    const monitor = orphan.last.monitor_id ?? "";
    const ranked = [...new Set(alerts.map(({ incident_id }) => incident_id))]
      .filter((incident) => (lastOwn.get(incident) ?? "") < orphan.effective_time)
      .map((incident) => {
        const open = openAlerts(incident, orphan.effective_time)
          .filter(({ effective_time }) => effective_time > (lastOwn.get(incident) ?? ""))
          .sort((a, b) => (a.effective_time < b.effective_time ? -1 : 1));
        const named =
          open
            .map(({ last }) => last.monitor_id ?? "")
            .filter((name) => name !== "")
            .at(-1) ?? "";
        return { incident, latest: open.at(-1)?.effective_time, named };
      })
      .filter(({ latest }) => latest !== undefined)
      .map((one) => ({ ...one, same: monitor !== "" && one.named === monitor }))
      .filter(({ same, named }) => same || (matching === "project" && (monitor === "" || named === "")))
      .sort(
        (a, b) =>
          Number(b.same) - Number(a.same) ||
          (String(b.latest) > String(a.latest) ? 1 : String(b.latest) < String(a.latest) ? -1 : 0) ||
          (a.incident < b.incident ? -1 : 1),
      );
    const best = matching === "incident" ? undefined : ranked[0];
    if (best !== undefined) {
      const by = best.same ? "monitor_id" : "project";
      ends.push({ incident: best.incident, time: orphan.effective_time, by });
    }
  }
  return ends.map(({ incident, time, by }) => `${incident} ${time} ${by}`).sort();
}

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
      { numRuns: 10_000 },
    );
  });

  test("a second reading of the rules ends the same outages", () => {
    fc.assert(
      fc.property(signals, matchings, (some, matching) => {
        const { outages } = pairIncidents(some, { matching });
        const ends = outages.flatMap(({ incident_id, recovery }) =>
          recovery === null ? [] : [`${incident_id} ${recovery.recovered_at} ${recovery.matched_by}`],
        );
        expect(ends.sort()).toEqual(naiveEnds(some, matching));
      }),
      { numRuns: 10_000 },
    );
  });

  test("no duration is negative, and every alert and recovery is somewhere", () => {
    fc.assert(
      fc.property(signals, matchings, (some, matching) => {
        const { records, outages, orphans } = pairIncidents(some, { matching });
        for (const { recovery } of outages) {
          expect(recovery === null || recovery.recovery_seconds >= 0).toBe(true);
          expect(recovery === null || recovery.outage_seconds >= recovery.recovery_seconds).toBe(true);
        }
        const all = [...records.values()].flat();
        const alerts = all.filter(({ kind }) => kind === "ALERT").length;
        expect(outages.reduce((sum, outage) => sum + outage.alerts, 0)).toBe(alerts);
        expect(all.reduce((sum, { webhooks }) => sum + webhooks, 0)).toBe(
          new Set(some.map(({ event_id }) => event_id)).size,
        );
        expect(orphans.every(({ incident_id }) => records.has(incident_id))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
