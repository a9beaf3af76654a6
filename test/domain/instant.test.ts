// Instants: what is read and as which moment, what is refused and why, and that no way round loses a nanosecond.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  fromEpochNs,
  type Instant,
  instantFromEpochMs,
  parseInstant,
  secondsBetween,
  shift,
  toEpochMs,
  toEpochNs,
  toRfc3339,
} from "../../src/domain/instant.ts";

function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

function problemOf(text: string): string | undefined {
  const parsed = parseInstant(text);
  return parsed.ok ? undefined : parsed.problem;
}

const earliestNs = -62_135_596_800_000_000_000n;
const latestNs = 253_402_300_799_999_999_999n;
const anyInstant = fc.bigInt({ min: earliestNs, max: latestNs }).map(fromEpochNs);

describe("what is read", () => {
  const same = "2025-01-15T10:30:00.000000000Z";
  const forms = [
    "2025-01-15T10:30:00Z",
    "2025-01-15t10:30:00z",
    "2025-01-15T10:30Z",
    "20250115T103000Z",
    "20250115T1030Z",
    "2025-01-15T10:30:00",
    "2025-01-15 10:30:00",
    "2025-01-15 10:30:00.000",
    "2025-01-15T10:30:00,0Z",
    "2025-01-15T12:30:00+02:00",
    "2025-01-15T12:30:00+0200",
    "2025-01-15T12:30:00+02",
    "2025-01-15T05:00:00-05:30",
    "2025-01-16T00:30:00+14:00",
    "2025-01-14T22:30:00-12:00",
    "2025-01-15T10:30:00-00:00",
    "  2025-01-15T10:30:00Z\n",
    "2025-01-15 10:30:00 +0000 UTC",
    "2025-01-15 10:30:00 +0000 UTC m=+1.2",
    "2025-01-15 11:30:00 +0100 CET m=-0.000012345",
    "2025-01-15 07:30:00 -0300 -03",
    "2025-01-15 16:00:00 +0530 +0530 m=+123.000000001",
  ];
  for (const form of forms) {
    test(JSON.stringify(form), () => expect(String(instant(form))).toBe(same));
  }

  test("fractions to the nanosecond; digits after the ninth are cut", () => {
    expect(String(instant("2025-01-15 10:30:14.217"))).toBe("2025-01-15T10:30:14.217000000Z");
    expect(String(instant("2025-01-15T10:30:14.1Z"))).toBe("2025-01-15T10:30:14.100000000Z");
    expect(String(instant("2025-01-15T10:30:14.123456789Z"))).toBe("2025-01-15T10:30:14.123456789Z");
    expect(String(instant("2025-01-15T10:30:14.9999999999Z"))).toBe("2025-01-15T10:30:14.999999999Z");
    expect(String(instant("2025-01-15 10:30:14.217 +0000 UTC"))).toBe("2025-01-15T10:30:14.217000000Z");
  });

  test("leap days, and the edges of the years", () => {
    for (const day of ["2024-02-29", "2000-02-29", "0004-02-29", "0001-01-01", "9999-12-31"]) {
      expect(String(instant(`${day}T00:00:00Z`))).toBe(`${day}T00:00:00.000000000Z`);
    }
    expect(String(instant("2024-03-01T00:30:00+01:00"))).toBe("2024-02-29T23:30:00.000000000Z");
  });
});

describe("what is refused, and why", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["2025-02-30T10:00:00Z", "February has no day 30"],
    ["2025-02-29T10:00:00Z", "February has no day 29"],
    ["1900-02-29T10:00:00Z", "February has no day 29"],
    ["2025-04-31T10:00:00Z", "April has no day 31"],
    ["2025-01-00T10:00:00Z", "January has no day 0"],
    ["2025-13-01T10:00:00Z", "there is no month 13"],
    ["2025-00-01T10:00:00Z", "there is no month 00"],
    ["2025-01-15T24:00:00Z", "there is no hour 24"],
    ["2025-01-15T10:60:00Z", "there is no minute 60"],
    ["2025-01-15T10:30:60Z", "there is no second 60"],
    ["2025-01-15T10:30:00+24:00", "there is no offset +24:00"],
    ["2025-01-15T10:30:00+01:60", "there is no offset +01:60"],
    ["0000-01-01T00:00:00Z", "year 0000 does not exist"],
    ["0001-01-01T00:00:00+01:00", "in UTC it lies outside the years 0001 to 9999"],
    ["9999-12-31T23:30:00-01:00", "in UTC it lies outside the years 0001 to 9999"],
  ];
  for (const [text, why] of wrong) test(text, () => expect(problemOf(text)).toBe(why));

  const shapeless = [
    "",
    "now",
    "1736937014",
    "2025-01-15",
    "2025-1-15T10:30:00Z",
    "2025-0115T10:30:00Z",
    "202501-15T10:30:00Z",
    "2025-01-15T10:3000Z",
    "2025-01-15T1030:00Z",
    "25-01-15T10:30:00Z",
    "12025-01-15T10:30:00Z",
    "-2025-01-15T10:30:00Z",
    "2025-01-15T10Z",
    "2025-01-15T10:30:00.Z",
    "2025-01-15T10:30:00ZZ",
    "2025-01-15T10:30:00Z; DROP",
    "2025-01-15T10:30:00+1",
    "2025-W03-3T10:30:00Z",
    "Wed, 15 Jan 2025 10:30:00 GMT",
    "15/01/2025 10:30",
    "２０２５-01-15T10:30:00Z",
    `2025-01-15T10:30:00.${"0".repeat(100)}Z`,
  ];
  for (const text of shapeless) {
    test(`no ISO 8601: ${JSON.stringify(text.slice(0, 40))}`, () =>
      expect(problemOf(text)).toContain("ISO 8601"));
  }

  test("no text at all makes it throw or answer what is not canonical", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789-:.TZ+ m="), maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), digits), (text) => {
        const parsed = parseInstant(text);
        if (parsed.ok) expect(parsed.value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
        else expect(parsed.problem).not.toBe("");
      }),
    );
  });
});

describe("whatever the moment", () => {
  test("its canonical text reads as itself, and nanoseconds come back", () => {
    fc.assert(
      fc.property(anyInstant, (moment) => {
        expect(instant(moment)).toBe(moment);
        expect(fromEpochNs(toEpochNs(moment))).toBe(moment);
      }),
    );
  });

  test("text order is time order", () => {
    fc.assert(
      fc.property(anyInstant, anyInstant, (a, b) => {
        expect(a < b).toBe(toEpochNs(a) < toEpochNs(b));
      }),
    );
  });

  test("an offset moves the clock, never the moment", () => {
    const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    const wholeSeconds = fc.integer({ min: -62_135_000_000, max: 253_402_000_000 });
    fc.assert(
      fc.property(wholeSeconds, offset, fc.constantFrom(":", ""), (seconds, minutes, colon) => {
        const local = new Date((seconds + minutes * 60) * 1_000).toISOString().slice(0, 19);
        const size = Math.abs(minutes);
        const two = (value: number): string => String(value).padStart(2, "0");
        const zone = `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
        expect(toEpochMs(instant(`${local}${zone}`))).toBe(seconds * 1_000);
      }),
    );
  });

  test("milliseconds agree with Date, before 1970 too", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        const moment = instantFromEpochMs(ms);
        if (moment === undefined) throw new Error(`no instant for ${ms}`);
        expect(toEpochMs(moment)).toBe(ms);
        expect(toRfc3339(moment)).toBe(new Date(ms).toISOString());
        expect(instant(toRfc3339(moment))).toBe(moment);
      }),
    );
  });

  test("shift undoes itself and is what secondsBetween measures, within the years", () => {
    const near = fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }).map(fromEpochNs);
    fc.assert(
      fc.property(near, near, near, (moment, earlier, later) => {
        const moved = shift(moment, { earlier, later });
        expect(toEpochNs(moved) - toEpochNs(moment)).toBe(toEpochNs(later) - toEpochNs(earlier));
        expect(shift(moved, { earlier: later, later: earlier })).toBe(moment);
        expect(secondsBetween({ earlier: moment, later: moved })).toBe(secondsBetween({ earlier, later }));
      }),
    );
  });
});

test("durations are exact to the nanosecond, and negative backwards", () => {
  const earlier = instant("2025-01-15T10:30:00.000000001Z");
  const later = instant("2025-01-15T10:30:01.500000001Z");
  expect(secondsBetween({ earlier, later })).toBe(1.5);
  expect(secondsBetween({ earlier: later, later: earlier })).toBe(-1.5);
  expect(secondsBetween({ earlier, later: earlier })).toBe(0);
});

test("beyond the years 0001 to 9999 an instant stays at the edge, and milliseconds make none", () => {
  expect(String(fromEpochNs(earliestNs - 1n))).toBe("0001-01-01T00:00:00.000000000Z");
  expect(String(fromEpochNs(latestNs + 1n))).toBe("9999-12-31T23:59:59.999999999Z");
  const edge = instant("9999-12-31T23:59:59Z");
  expect(String(shift(edge, { earlier: instant("2000-01-01T00:00:00Z"), later: edge }))).toBe(
    "9999-12-31T23:59:59.999999999Z",
  );
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000, -62_135_596_800_001, 9e15]) {
    expect(instantFromEpochMs(ms)).toBeUndefined();
  }
  expect(String(instantFromEpochMs(-0.5))).toBe("1969-12-31T23:59:59.999000000Z");
});
