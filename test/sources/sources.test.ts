// Every source over every one of its fixtures. Fixtures are found, not listed: see fixtures.ts for their form.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { recogniseSource, sourceNamed, sources } from "../../src/sources/registry.ts";
import type { Reading } from "../../src/sources/source.ts";
import { type ExpectedSignal, type Fixture, fixtures, instant, receivedAt } from "./fixtures.ts";

describe("a source reads its tool's payloads", () => {
  for (const fixture of fixtures) {
    test(`${fixture.source}: ${fixture.name}`, () => {
      const source = sourceNamed(fixture.source);
      if (source === undefined) throw new Error(`There is no source for test/fixtures/${fixture.source}`);
      const reading = source.read(fixture.payload);
      expect(withoutPayloads(reading)).toEqual(expected(fixture, reading) as never);
      if (reading.tag === "signals")
        expect([...Value.Errors(source.payload, fixture.payload.body)]).toEqual([]);
    });
  }
});

describe("auto recognises the tool", () => {
  for (const fixture of fixtures) {
    test(`${fixture.source}: ${fixture.name}`, () => {
      const wanted = fixture.auto === undefined ? fixture.source : fixture.auto;
      expect(recogniseSource(fixture.payload)?.name ?? null).toBe(wanted as never);
    });
  }
});

describe("nothing about a source is left half done", () => {
  const names = sources.map((source) => source.name);

  test("no two have the same name", () => {
    expect([...new Set(names)]).toEqual(names as never);
  });

  for (const source of sources) {
    test(`${source.name} has its file, its documentation, its setup text and an alert among its fixtures`, () => {
      expect(existsSync(join(import.meta.dirname, "../../src/sources", `${source.name}.ts`))).toBe(true);
      expect(source.documentation).toStartWith("https://");
      expect(source.setup.steps.length).toBeGreaterThan(0);
      expect(source.setup.authentication.length).toBeGreaterThan(0);
      expect(source.setup.on_failure).not.toBe("");
      expect(source.setup.authentication.some((way) => way === "signature")).toBe("signature" in source);
      const own = fixtures.filter((fixture) => fixture.source === source.name);
      expect(own.some(({ expect }) => expect.tag === "signals")).toBe(true);
    });
  }
});

function expected({ expect: wanted }: Fixture, reading: Reading): unknown {
  if (wanted.tag !== "signals") {
    if (reading.tag !== wanted.tag) return wanted;
    return { ...reading, ...wanted };
  }
  const ignored = Array.from({ length: wanted.ignored ?? 0 }, () => ({
    reason: expect.stringMatching(/./),
    cause: expect.stringMatching(/./),
  }));
  const { left_out } = wanted;
  const cut = left_out === undefined ? {} : { left_out };
  return { tag: "signals", signals: wanted.signals.map(expectedSignal), ignored, ...cut };
}

const expectedSignal = ({ incident_time, started_at, ...rest }: ExpectedSignal): unknown => ({
  ...rest,
  ...(started_at === undefined ? {} : { started_at: instant(started_at) }),
  incident_time: incident_time === undefined ? receivedAt : instant(incident_time),
  time_basis: incident_time === undefined ? "received" : "incident_time",
});

const withoutPayloads = (reading: Reading): unknown =>
  reading.tag === "signals"
    ? { ...reading, signals: reading.signals.map(({ payload: _, ...signal }) => signal) }
    : reading;
