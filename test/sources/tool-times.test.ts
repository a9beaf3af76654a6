// Which of a tool's times a signal of each kind takes.

import { describe, expect, test } from "bun:test";
import { signalTime } from "../../src/sources/tool-times.ts";
import { instant } from "./fixtures.ts";

const start = instant("2025-05-01T10:00:00Z");
const end = instant("2025-05-01T10:20:00Z");
const moment = instant("2025-05-01T10:05:00Z");
const received_at = instant("2025-05-01T11:00:00Z");

const named = (incident_time: typeof start) => ({ incident_time, time_basis: "incident_time" as const });
const onReceipt = { incident_time: received_at, time_basis: "received" as const };

describe("an alert", () => {
  test("begins at its start, else at its own moment, else at its receipt", () => {
    expect(signalTime("ALERT", { start, end, moment, received_at })).toEqual(named(start));
    expect(signalTime("ALERT", { end, moment, received_at })).toEqual(named(moment));
    expect(signalTime("ALERT", { end, received_at })).toEqual(onReceipt);
  });
});

describe("a recovery", () => {
  test("that names its start tells its whole outage", () => {
    expect(signalTime("RECOVERY", { start, end, received_at })).toEqual({ ...named(end), started_at: start });
    expect(signalTime("RECOVERY", { start, moment, received_at })).toEqual({
      ...named(moment),
      started_at: start,
    });
    expect(signalTime("RECOVERY", { start, received_at })).toEqual({ ...onReceipt, started_at: start });
  });

  test("whose end lies before its start ends at its receipt", () => {
    expect(signalTime("RECOVERY", { start: end, end: start, received_at })).toEqual({
      ...onReceipt,
      started_at: end,
    });
  });

  test("names no start that is not earlier than itself", () => {
    expect(signalTime("RECOVERY", { start: end, end, received_at })).toEqual(named(end));
    expect(
      signalTime("RECOVERY", { start: received_at, received_at: instant("2025-05-01T10:59:00Z") }),
    ).toEqual({ incident_time: instant("2025-05-01T10:59:00Z"), time_basis: "received" });
  });
});

test("a dismissal ends at its end and tells no outage", () => {
  expect(signalTime("DISMISSAL", { start, end, received_at })).toEqual(named(end));
  expect(signalTime("DISMISSAL", { start, received_at })).toEqual(onReceipt);
});

test("an acknowledgement happens at its own moment, never at the start of what it takes on", () => {
  expect(signalTime("ACKNOWLEDGEMENT", { start, moment, received_at })).toEqual(named(moment));
  expect(signalTime("ACKNOWLEDGEMENT", { start, end, received_at })).toEqual(onReceipt);
});

test("a state that is neither takes its own moment, else the start that stands beside it", () => {
  expect(signalTime(null, { start, moment, received_at })).toEqual(named(moment));
  expect(signalTime(null, { start, received_at })).toEqual(named(start));
});
