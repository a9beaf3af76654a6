// The pairing rules by example: each test is named after the rule it shows.

import { describe, expect, test } from "bun:test";
import { type Pairing, pairProject } from "../../src/domain/pair-project.ts";
import { leftOver } from "../../src/domain/pairing.ts";
import type { Matching, Signal } from "../../src/domain/signal.ts";
import { acknowledged, at, dismissed, down, other, up } from "./signals.ts";

const pair = (signals: readonly Signal[], matching: Matching = "project") => {
  const pairing = pairProject(signals, { matching });
  const { incidents, ended, orphans } = pairing;
  return {
    records: [...incidents.values()].flatMap(({ records }) => records),
    left: [...incidents.values()].map(({ counts }) => leftOver(counts)),
    orphans,
    outages: outagesOf(pairing),
    full: ended,
  };
};
/** incident, first alert, latest alert, end, how matched: enough to tell outages apart. */
const outagesOf = ({ ended, open }: Pairing): string[] =>
  [
    ...ended.map((one) => [
      one.incident_id,
      seconds(one.first_alert_at),
      seconds(one.latest_alert_at),
      seconds(one.ended_at),
      one.recovery?.matched_by ?? "dismissed",
    ]),
    ...open.map(({ incident_id, alerts }) => [
      incident_id,
      seconds(alerts.first.at),
      seconds((alerts.latest ?? alerts.first).at),
      "open",
      "",
    ]),
  ]
    .map((fields) => fields.join(" "))
    .sort();
const seconds = (instant: string): number =>
  (Date.parse(`${instant.slice(0, 23)}Z`) - Date.parse(at(0))) / 1000;

describe("rule 0: a record is all webhooks of one incident, incident_time and kind", () => {
  test("its id is the first received one's, its fields are the last received one's", () => {
    const { records } = pair([
      down({ at: 0, received: 5, message: "second", id: "b" }),
      down({ at: 0, received: 9, message: "third", id: "c" }),
      down({ at: 0, received: 1, message: "first", id: "a" }),
    ]);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ first: { event_id: "a", received_at: at(1) }, webhooks: 3 });
    expect(records[0]?.last.signal.message).toBe("third");
  });
  test("equal receive times: by event id", () => {
    const { records } = pair([
      down({ at: 0, id: "b", message: "b" }),
      down({ at: 0, id: "a", message: "a" }),
    ]);
    expect(records[0]?.first.event_id).toBe("a");
    expect(records[0]?.last.signal.message).toBe("b");
  });
  test("an ALERT and a RECOVERY with one time are two records", () => {
    expect(pair([down({ at: 0 }), up({ at: 0 })]).records).toHaveLength(2);
  });
  test("the same event again changes nothing but to the smallest receive time", () => {
    const { records } = pair([down({ at: 0, received: 7, id: "a" }), down({ at: 0, received: 3, id: "a" })]);
    expect(records[0]).toMatchObject({ webhooks: 1, first: { received_at: at(3) } });
  });
});

describe("rule 1: records are sorted by effective time, never by arrival", () => {
  test("a recovery that arrives before its alert still ends it", () => {
    expect(pair([up({ at: 5, received: 6 }), down({ at: 1, received: 9 })]).outages).toEqual([
      "api 1 1 5 incident_id",
    ]);
  });
  test("at equal times ALERT comes before RECOVERY", () => {
    expect(pair([up({ at: 5 }), down({ at: 5 })]).outages).toEqual(["api 5 5 5 incident_id"]);
  });
});

describe("rule 2: an ALERT opens an outage or repeats", () => {
  test("a repeat becomes the outage's latest alert", () => {
    const { outages } = pair([down({ at: 0 }), down({ at: 60 })]);
    expect(outages).toEqual(["api 0 60 open "]);
  });
  test("a status that is neither opens nothing and ends nothing", () => {
    expect(pair([other({ at: 0 })]).outages).toEqual([]);
    expect(pair([down({ at: 0 }), other({ at: 1 })]).outages).toEqual(["api 0 0 open "]);
  });
});

describe("rule 3: a RECOVERY ends the open outage", () => {
  test("recovery_seconds runs from the latest alert, outage_seconds from the first", () => {
    const { full } = pair([down({ at: 0 }), down({ at: 60 }), up({ at: 90.5 })]);
    expect(full[0]?.recovery).toMatchObject({ recovery_us: 30_500_000n, outage_us: 90_500_000n });
  });
  test("one incident id lives through many outages", () => {
    expect(pair([down({ at: 0 }), up({ at: 5 }), down({ at: 10 }), up({ at: 15 })]).outages).toEqual([
      "api 0 0 5 incident_id",
      "api 10 10 15 incident_id",
    ]);
  });
  test("a RECOVERY that finds none open is surplus: kept, paired with nothing, no orphan", () => {
    const { outages, orphans, records } = pair([
      up({ at: 0 }),
      down({ at: 1 }),
      up({ at: 2 }),
      up({ at: 3 }),
      down({ incident: "web", at: 1 }),
    ]);
    expect(outages).toEqual(["api 1 1 2 incident_id", "web 1 1 open "]);
    expect(orphans).toEqual([]);
    expect(records).toHaveLength(5);
  });
});

describe("rule 4: a RECOVERY whose incident has no ALERT is matched in its project", () => {
  test("it ends the outage with the most recent ALERT at or before it", () => {
    const signals = [
      down({ incident: "a", at: 0 }),
      down({ incident: "b", at: 1 }),
      down({ incident: "c", at: 9 }),
      up({ incident: "x", at: 5 }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 0 open ", "b 1 1 5 project", "c 9 9 open "]);
  });
  test("equal ALERTs: the smaller incident_id, by code point", () => {
    const signals = [
      down({ incident: "\u{1f600}", at: 0 }),
      down({ incident: "\uff5e", at: 0 }),
      up({ incident: "x", at: 5 }),
    ];
    expect(pair(signals).outages).toEqual(["\u{1f600} 0 0 open ", "\uff5e 0 0 5 project"]);
  });
  test("the same monitor_id goes before a more recent ALERT", () => {
    const signals = [
      down({ incident: "a", at: 0, monitor: "m1" }),
      down({ incident: "b", at: 1 }),
      up({ incident: "x", at: 5, monitor: "m1" }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 0 5 monitor_id", "b 1 1 open "]);
  });
  test("another monitor_id contradicts, an absent or empty one does not", () => {
    const signals = [
      down({ incident: "a", at: 0, monitor: "" }),
      down({ incident: "b", at: 1, monitor: "m2" }),
      up({ incident: "x", at: 5, monitor: "m1" }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 0 5 project", "b 1 1 open "]);
    expect(pair(signals.slice(1)).orphans[0]?.matched).toBeNull();
  });
  test("it never takes an outage that its own incident's recovery ends", () => {
    const signals = [
      down({ incident: "a", at: 0 }),
      up({ incident: "x", at: 5 }),
      up({ incident: "a", at: 9 }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 0 9 incident_id"]);
  });
  test("later ALERTs begin a new outage, which the next orphan may end", () => {
    const signals = [
      down({ incident: "a", at: 0 }),
      down({ incident: "a", at: 7 }),
      up({ incident: "x", at: 5 }),
      up({ incident: "y", at: 8 }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 0 5 project", "a 7 7 8 project"]);
  });
  test("orphans are matched in time order, equal times by incident_id", () => {
    const signals = [
      down({ incident: "a", at: 0 }),
      up({ incident: "y", at: 5 }),
      up({ incident: "x", at: 5 }),
      up({ incident: "z", at: 6 }),
    ];
    expect(
      pair(signals).orphans.map(({ incident_id, matched }) => [incident_id, matched?.incident_id]),
    ).toEqual([
      ["x", "a"],
      ["y", undefined],
      ["z", undefined],
    ] as never);
  });
  test("an outage is named by its most recent ALERT that names, up to the moment asked about", () => {
    const signals = [
      down({ incident: "a", at: 0, monitor: "m1", monitor_name: "one", repo: "r1" }),
      down({ incident: "a", at: 1 }),
      down({ incident: "a", at: 9, monitor: "m2" }),
      up({ incident: "x", at: 5, monitor: "m1" }),
    ];
    const { full } = pair(signals);
    expect(full[0]).toMatchObject({ monitor_id: "m1", monitor_name: "one", repo_uuid: "r1" });
    const { open } = pairProject(signals, { matching: "project" });
    expect(open[0]?.alerts).toMatchObject({ monitor_id: "m2", monitor_name: null, repo_uuid: null });
  });
  test("matching can be narrowed to the monitor, or to the incident", () => {
    const signals = [
      down({ incident: "a", at: 0, monitor: "m1" }),
      down({ incident: "b", at: 0 }),
      up({ incident: "x", at: 5, monitor: "m1" }),
      up({ incident: "y", at: 6 }),
    ];
    expect(pair(signals, "monitor").outages).toEqual(["a 0 0 5 monitor_id", "b 0 0 open "]);
    expect(pair(signals, "incident").outages).toEqual(["a 0 0 open ", "b 0 0 open "]);
  });
});

describe("rule 5: a recovery that repeats its alert's time took as long as the receipts say", () => {
  test("effective time is the ALERT's time plus the time between the receipts", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 0, received: 62 })]);
    expect(full[0]).toMatchObject({
      ended_at: at(60),
      recovery: { basis: "received", recovery_us: 60_000_000n },
    });
  });
  test("a recovery first received no later keeps its own time", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 0, received: 2 })]);
    expect(full[0]).toMatchObject({ ended_at: at(0), recovery: { basis: "incident_time" } });
  });
  test("an exact recovery is never shifted: its source puts the end, or the receipt, into it", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 0, received: 62, exact: true })]);
    expect(full[0]).toMatchObject({ ended_at: at(0), recovery: { basis: "incident_time" } });
  });
  test("another time is never shifted", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 1, received: 62 })]);
    expect(full[0]).toMatchObject({ ended_at: at(1), recovery: { basis: "incident_time" } });
  });
});

describe("rule 0: a record is exact if any of its webhooks is, a reminder only if all are", () => {
  test("whatever comes first", () => {
    const two = [
      down({ at: 0, id: "a", exact: true, reminder: true }),
      down({ at: 0, id: "b", message: "b" }),
    ];
    for (const signals of [two, two.toReversed()])
      expect(pair(signals).records[0]).toMatchObject({ exact: true, reminder: false });
    expect(pair([down({ at: 0, reminder: true })]).records[0]).toMatchObject({
      exact: false,
      reminder: true,
    });
  });
  test("its start is that of the webhook last received that names one", () => {
    const named = [
      up({ at: 9, id: "a", received: 1, started: 2, exact: true }),
      up({ at: 9, id: "b", received: 2, started: 3, exact: true }),
      up({ at: 9, id: "c", received: 3, exact: true }),
    ];
    expect(pair(named).records[0]?.started?.started_at).toBe(at(3));
    expect(pair(named.toReversed()).records[0]?.started?.started_at).toBe(at(3));
  });
});

describe("rule 1: at equal times ALERT, DISMISSAL, RECOVERY, then the other kinds", () => {
  test("in whatever order they come", () => {
    const { records } = pair([other({ at: 5 }), up({ at: 5 }), dismissed({ at: 5 }), down({ at: 5 })]);
    expect(records.map(({ kind }) => kind)).toEqual(["ALERT", "DISMISSAL", "RECOVERY", null]);
  });
});

describe("rule 2: a reminder restarts no clock", () => {
  test("it counts, and is not the latest alert", () => {
    const { full } = pair([down({ at: 0 }), down({ at: 60, reminder: true }), up({ at: 90 })]);
    expect(full[0]).toMatchObject({
      alerts: 2,
      latest_alert_at: at(0),
      recovery: { recovery_us: 90_000_000n },
    });
  });
  test("the one that opens the outage is an alert all the same", () => {
    const { full } = pair([
      down({ at: 0, reminder: true }),
      down({ at: 60, reminder: true }),
      up({ at: 90 }),
    ]);
    expect(full[0]).toMatchObject({ first_alert_at: at(0), latest_alert_at: at(0) });
  });
  test("an alert behind it restarts the clock", () => {
    const { full } = pair([
      down({ at: 0 }),
      down({ at: 60, reminder: true }),
      down({ at: 70 }),
      up({ at: 90 }),
    ]);
    expect(full[0]).toMatchObject({ latest_alert_at: at(70) });
  });
});

describe("rule 2: an acknowledgement", () => {
  test("opens nothing, ends nothing, and is no unknown word", () => {
    const { incidents } = pairProject([down({ at: 0 }), acknowledged({ at: 1 })], { matching: "project" });
    expect([...incidents.values()][0]?.counts).toMatchObject({ alerts: 1, acknowledgements: 1, unmapped: 0 });
    expect(pair([down({ at: 0 }), acknowledged({ at: 1 })]).outages).toEqual(["api 0 0 open "]);
  });
});

describe("rule 3: a RECOVERY may name its own start", () => {
  test("one that is exact and finds none open is a whole outage", () => {
    const { full } = pair([up({ at: 9, started: 4, exact: true, monitor: "m1" })]);
    expect(full[0]).toMatchObject({
      alerts: 0,
      alert_event_id: null,
      first_alert_at: at(4),
      latest_alert_at: at(4),
      monitor_id: "m1",
      opened: { kind: "RECOVERY", incident_time: at(9) },
      recovery: { recovery_us: 5_000_000n, outage_us: 5_000_000n },
    });
  });
  test("it is the first ALERT where it is earlier, and the latest unless a later ALERT is no reminder", () => {
    const { full } = pair([down({ at: 5 }), up({ at: 9, started: 3, exact: true })]);
    expect(full[0]).toMatchObject({ first_alert_at: at(3), latest_alert_at: at(5), alerts: 1 });
    const reminded = pair([down({ at: 5, reminder: true }), up({ at: 9, started: 7, exact: true })]);
    expect(reminded.full[0]).toMatchObject({ first_alert_at: at(5), latest_alert_at: at(7), alerts: 1 });
  });
  test("one that is not exact names none, nor does a start that is no earlier than the recovery", () => {
    expect(pair([up({ at: 9, started: 4 })]).outages).toEqual([]);
    expect(pair([up({ at: 9, started: 9, exact: true })]).outages).toEqual([]);
  });
  test("a start before the end of the outage before tells of that one", () => {
    const { outages, left } = pair([down({ at: 0 }), up({ at: 5 }), up({ at: 9, started: 4, exact: true })]);
    expect(outages).toEqual(["api 0 0 5 incident_id"]);
    expect(left).toEqual([{ orphans: 0, surplus: 1 }]);
  });
});

describe("rule 3: a DISMISSAL ends the open outage without a recovery", () => {
  test("the outage has no figures", () => {
    const { full, outages } = pair([down({ at: 0 }), dismissed({ at: 5 })]);
    expect(outages).toEqual(["api 0 0 5 dismissed"]);
    expect(full[0]?.recovery).toBeNull();
  });
  test("without one that is open it is surplus, and no orphan", () => {
    expect(pair([dismissed({ at: 5 })])).toMatchObject({ outages: [], left: [{ orphans: 0, surplus: 1 }] });
  });
});

describe("rule 4: exact senders end their own alerts", () => {
  test("an exact orphan is matched with nothing", () => {
    const { outages, orphans } = pair([
      down({ incident: "a", at: 0 }),
      up({ incident: "x", at: 5, exact: true }),
    ]);
    expect(outages).toEqual(["a 0 0 open "]);
    expect(orphans[0]?.matched).toBeNull();
  });
  test("no orphan ends an outage with an exact ALERT, be it a later one", () => {
    const signals = [
      down({ incident: "a", at: 0 }),
      down({ incident: "a", at: 9, exact: true }),
      up({ incident: "x", at: 5 }),
    ];
    expect(pair(signals).outages).toEqual(["a 0 9 open "]);
    expect(pair(signals.toSpliced(1, 1)).outages).toEqual(["a 0 0 5 project"]);
  });
});

describe("rule 7: a duration is whole microseconds, rounded down", () => {
  test("once, where the pair is made", () => {
    const late = { ...up({ at: 1 }), incident_time: "2025-01-15T10:00:01.000000999Z" as never };
    expect(pair([down({ at: 0 }), late]).full[0]?.recovery?.recovery_us).toBe(1_000_000n);
  });
});

test("rule 6: no signals, no answers; nothing is made up", () => {
  expect(pair([])).toMatchObject({ records: [], outages: [], orphans: [] });
});
