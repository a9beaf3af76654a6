// What a reading says beside kind and time: whether it is exact, and whether it may only be told again.

import { describe, expect, test } from "bun:test";
import { readPayload } from "../../src/sources/read-payload.ts";
import { sources } from "../../src/sources/registry.ts";
import type { SourceSignal } from "../../src/sources/source.ts";
import { fixtures } from "./fixtures.ts";

const signals = fixtures.flatMap((fixture) => {
  const reading = readPayload(fixture.source, fixture.payload)?.reading;
  return reading?.tag === "signals" ? reading.signals.map((signal) => ({ fixture, signal })) : [];
});

describe("every signal", () => {
  test("says whether it is exact, as its source has it unless it says so itself", () => {
    const inexact = new Set(sources.filter(({ exact }) => exact === false).map(({ name }) => name));
    expect([...inexact].sort()).toEqual(["cloudevents", "fields", "standard-webhooks"]);
    for (const { fixture, signal } of signals) {
      expect([fixture.source, fixture.name, typeof signal.exact]).toEqual([
        fixture.source,
        fixture.name,
        "boolean",
      ]);
      if (inexact.has(fixture.source)) expect(signal.exact).toBe(false);
    }
  });

  test("that alerts without a time of its own is a reminder", () => {
    const untimed = signals.filter(({ signal }) => isUntimedAlert(signal));
    expect(untimed.length).toBeGreaterThan(10);
    for (const { fixture, signal } of untimed) {
      expect([fixture.source, fixture.name, signal.reminder]).toEqual([fixture.source, fixture.name, true]);
    }
  });

  test("that begins nothing is no reminder and no whole outage", () => {
    for (const { signal } of signals) {
      if (signal.kind !== "ALERT" && signal.kind !== undefined) expect(signal.reminder).toBeUndefined();
      if (signal.kind !== "RECOVERY") expect(signal.started_at).toBeUndefined();
    }
  });
});

const isUntimedAlert = ({ kind, time_basis }: SourceSignal): boolean =>
  kind === "ALERT" && time_basis === "received";
