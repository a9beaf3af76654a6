// The pairing rules by example: each test is named after the rule it shows.

import { describe, expect, test } from "bun:test";
import { pairIncidents } from "../../src/domain/pairing.ts";
import type { Matching, Signal } from "../../src/domain/signal.ts";
import { at, down, other, up } from "./signals.ts";

const pair = (signals: readonly Signal[], matching: Matching = "project") => {
  const { records, outages, orphans } = pairIncidents(signals, { matching });
  return {
    records: [...records.values()].flat(),
    orphans,
    /** incident, first alert, latest alert, end, how matched: enough to tell outages apart. */
    outages: outages
      .map(({ incident_id, first_alert_at, latest_alert_at, recovery }) =>
        [
          incident_id,
          seconds(first_alert_at),
          seconds(latest_alert_at),
          recovery === null ? "open" : seconds(recovery.recovered_at),
          recovery?.matched_by ?? "",
        ].join(" "),
      )
      .sort(),
    full: outages,
  };
};
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
    expect(records[0]).toMatchObject({ event_id: "a", webhooks: 3, first_received_at: at(1) });
    expect(records[0]?.last.message).toBe("third");
  });
  test("equal receive times: by event id", () => {
    const { records } = pair([
      down({ at: 0, id: "b", message: "b" }),
      down({ at: 0, id: "a", message: "a" }),
    ]);
    expect(records[0]?.event_id).toBe("a");
    expect(records[0]?.last.message).toBe("b");
  });
  test("an ALERT and a RECOVERY with one time are two records", () => {
    expect(pair([down({ at: 0 }), up({ at: 0 })]).records).toHaveLength(2);
  });
  test("the same event again changes nothing but to the smallest receive time", () => {
    const { records } = pair([down({ at: 0, received: 7, id: "a" }), down({ at: 0, received: 3, id: "a" })]);
    expect(records[0]).toMatchObject({ webhooks: 1, first_received_at: at(3) });
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
    const { outages, full } = pair([down({ at: 0 }), down({ at: 60 })]);
    expect(outages).toEqual(["api 0 60 open "]);
    expect(full[0]).toMatchObject({ alerts: 2, recovery: null });
  });
  test("a status that is neither opens nothing and ends nothing", () => {
    expect(pair([other({ at: 0 })]).outages).toEqual([]);
    expect(pair([down({ at: 0 }), other({ at: 1 })]).outages).toEqual(["api 0 0 open "]);
  });
});

describe("rule 3: a RECOVERY ends the open outage", () => {
  test("recovery_seconds runs from the latest alert, outage_seconds from the first", () => {
    const { full } = pair([down({ at: 0 }), down({ at: 60 }), up({ at: 90.5 })]);
    expect(full[0]?.recovery).toMatchObject({ recovery_seconds: 30.5, outage_seconds: 90.5 });
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
    expect(
      full.map(({ monitor_id, monitor_name, repo_uuid }) => [monitor_id, monitor_name, repo_uuid]),
    ).toEqual([
      ["m1", "one", "r1"],
      ["m2", null, null],
    ] as never);
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
    expect(full[0]?.recovery).toMatchObject({
      recovered_at: at(60),
      recovered_at_basis: "received",
      recovery_seconds: 60,
    });
  });
  test("a recovery first received no later keeps its own time", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 0, received: 2 })]);
    expect(full[0]?.recovery).toMatchObject({ recovered_at: at(0), recovered_at_basis: "incident_time" });
  });
  test("another time is never shifted", () => {
    const { full } = pair([down({ at: 0, received: 2 }), up({ at: 1, received: 62 })]);
    expect(full[0]?.recovery).toMatchObject({ recovered_at: at(1), recovered_at_basis: "incident_time" });
  });
});

test("rule 6: no signals, no answers; nothing is made up", () => {
  expect(pair([])).toMatchObject({ records: [], outages: [], orphans: [] });
});
