// The oracle is only as good as its reading of the rules: the sentences of the rules as examples worked out by hand, and
// an accounting that adds up for any history.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { histories, second, settledSignals } from "./histories.ts";
import { nanoseconds, type OracleKind, type OracleSignal, oracle } from "./oracle.ts";
import { accounting, oracleAnswers } from "./oracle-answers.ts";

let events = 0;

const signal = (
  kind: OracleKind,
  at: number,
  more: Partial<OracleSignal> & { readonly incident_id?: string } = {},
): OracleSignal => ({
  event_id: `event-${String(++events).padStart(4, "0")}`,
  incident_id: "a",
  kind,
  status: String(kind),
  incident_time: second(at),
  received_at: second(at),
  exact: false,
  reminder: false,
  source: "contract",
  ...more,
});

const pairsOf = (
  signals: readonly OracleSignal[],
  matching: "incident" | "monitor" | "project" = "project",
) => oracleAnswers(oracle(signals, matching)).pairs;

const exact = { exact: true } as const;

describe("rules 2 and 3", () => {
  test("a repeated alert restarts the recovery time, a reminder does not", () => {
    expect(pairsOf([signal("ALERT", 0), signal("ALERT", 4), signal("RECOVERY", 9)])).toMatchObject([
      { recovery_seconds: 5, outage_seconds: 9, alerts: 2 },
    ]);
    expect(
      pairsOf([signal("ALERT", 0), signal("ALERT", 4, { reminder: true }), signal("RECOVERY", 9)]),
    ).toMatchObject([{ recovery_seconds: 9, outage_seconds: 9, alerts: 2 }]);
  });

  test("an exact recovery with a start and without an alert is a whole outage", () => {
    expect(pairsOf([signal("RECOVERY", 9, { ...exact, started_at: second(2) })])).toMatchObject([
      { alerts: 0, alert_event_id: null, started_by: "recovery", recovery_seconds: 7, outage_seconds: 7 },
    ]);
    expect(pairsOf([signal("RECOVERY", 9, { started_at: second(2) })])).toEqual([]);
    expect(pairsOf([signal("RECOVERY", 9, { ...exact, started_at: second(9) })])).toEqual([]);
  });

  test("a start earlier than the open outage's first alert is its first, and not its latest", () => {
    const start = { ...exact, started_at: second(1) };
    expect(pairsOf([signal("ALERT", 3, exact), signal("RECOVERY", 9, start)])).toMatchObject([
      { outage_seconds: 8, recovery_seconds: 6, started_by: "alert", alerts: 1 },
    ]);
  });

  test("a start later than the first alert is the latest one, unless a later alert is no reminder", () => {
    const start = { ...exact, started_at: second(4) };
    const first = signal("ALERT", 0, exact);
    const recovery = signal("RECOVERY", 9, start);
    expect(pairsOf([first, recovery])).toMatchObject([{ outage_seconds: 9, recovery_seconds: 5 }]);
    expect(pairsOf([first, signal("ALERT", 6, { ...exact, reminder: true }), recovery])).toMatchObject([
      { recovery_seconds: 5 },
    ]);
    expect(pairsOf([first, signal("ALERT", 6, exact), recovery])).toMatchObject([{ recovery_seconds: 3 }]);
  });

  test("a start before the end of the outage before is not used", () => {
    const signals = [signal("ALERT", 0, exact), signal("RECOVERY", 5, exact)];
    expect(pairsOf([...signals, signal("RECOVERY", 9, { ...exact, started_at: second(4) })])).toHaveLength(1);
    expect(pairsOf([...signals, signal("RECOVERY", 9, { ...exact, started_at: second(5) })])).toHaveLength(2);
  });

  test("a dismissal ends the open outage without seconds, and is surplus without one", () => {
    expect(pairsOf([signal("ALERT", 0), signal("DISMISSAL", 5), signal("RECOVERY", 9)])).toMatchObject([
      { dismissed_at: "2025-01-15T10:00:05.000Z", recovery_seconds: null, recovered_at: null },
    ]);
    const { surplus, outages } = oracle([signal("DISMISSAL", 5)], "project");
    expect([surplus.length, outages.length]).toEqual([1, 0]);
  });
});

describe("rule 4", () => {
  const b = { incident_id: "b" } as const;

  test("an orphan ends the open outage of its monitor, and later alerts begin a new one", () => {
    const found = pairsOf([
      signal("ALERT", 0, { monitor_id: "m" }),
      signal("ALERT", 2, { incident_id: "c" }),
      signal("ALERT", 6, { monitor_id: "m" }),
      signal("RECOVERY", 5, { ...b, monitor_id: "m" }),
    ]);
    expect(found).toMatchObject([
      { incident_id: "a", matched_by: "monitor_id", outage_seconds: 5 },
      { incident_id: "a", matched_by: null, alerts: 1 },
      { incident_id: "c", matched_by: null },
    ]);
  });

  test("an exact orphan ends nothing, and nobody's orphan ends an outage with an exact alert, a later one included", () => {
    expect(pairsOf([signal("ALERT", 0), signal("RECOVERY", 5, { ...b, ...exact })])).toMatchObject([
      { matched_by: null },
    ]);
    expect(pairsOf([signal("ALERT", 0), signal("ALERT", 7, exact), signal("RECOVERY", 5, b)])).toMatchObject([
      { matched_by: null, alerts: 2 },
    ]);
  });

  test("matching narrows what an orphan may end", () => {
    const signals = [signal("ALERT", 0), signal("RECOVERY", 5, b)];
    expect(pairsOf(signals, "project")).toMatchObject([{ matched_by: "project" }]);
    expect(pairsOf(signals, "monitor")).toMatchObject([{ matched_by: null }]);
    expect(pairsOf(signals, "incident")).toMatchObject([{ matched_by: null }]);
  });
});

test("rule 5: a recovery that repeats its alert's time took as long as the receipts lie apart, unless it is exact", () => {
  const alert = signal("ALERT", 0);
  const echo = { incident_time: second(0), received_at: second(8) };
  expect(pairsOf([alert, signal("RECOVERY", 0, echo)])).toMatchObject([
    { recovery_seconds: 8, recovered_at_basis: "received" },
  ]);
  expect(pairsOf([alert, signal("RECOVERY", 0, { ...echo, ...exact })])).toMatchObject([
    { recovery_seconds: 0, recovered_at_basis: "incident_time" },
  ]);
});

test("rule 7: a duration is rounded down to whole microseconds", () => {
  const at = (text: string) => ({ incident_time: text });
  expect(
    pairsOf([
      signal("ALERT", 0, at("2025-01-15T10:00:00.000000001Z")),
      signal("RECOVERY", 0, at("2025-01-15T10:00:01.000002000Z")),
    ]),
  ).toMatchObject([{ recovery_seconds: 1.000001 }]);
  expect(nanoseconds("0001-01-01T00:00:00.000000001Z")).toBe(-62135596799999999999n);
});

test("rule 6: for any history the counts add up, and no duration is negative", () => {
  const seen = { matched: 0, dismissed: 0, byRecovery: 0, echoes: 0, surplus: 0 };
  fc.assert(
    fc.property(histories, (history) => {
      const { signals, matching } = settledSignals(history);
      const project = oracle(signals, matching);
      const { alerts, alertsInOutages, enders, endersAccountedFor } = accounting(project);
      expect(alertsInOutages).toBe(alerts);
      expect(endersAccountedFor).toBe(enders);
      for (const { end, first_ns, latest_ns } of project.outages) {
        if (end === null) continue;
        expect(first_ns <= latest_ns && latest_ns <= end.effective_ns).toBe(true);
      }
      seen.matched += project.orphans.filter((orphan) => orphan.matched_incident_id !== null).length;
      seen.dismissed += project.outages.filter(({ end }) => end?.kind === "DISMISSAL").length;
      seen.byRecovery += project.outages.filter(({ alerts }) => alerts.length === 0).length;
      seen.echoes += [...project.records.values()].flat().filter(({ is_echo }) => is_echo).length;
      seen.surplus += project.surplus.length;
    }),
    { numRuns: 3_000 },
  );
  // Every rule was met often, or the histories are poorer than they look.
  for (const [rule, times] of Object.entries(seen)) expect(`${rule} ${times > 50}`).toBe(`${rule} true`);
  console.log(seen);
});
