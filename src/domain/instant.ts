// A moment in UTC, exact to the nanosecond. Knows no clock.

declare const brand: unique symbol;
/**
 * Canonical text `YYYY-MM-DDTHH:mm:ss.nnnnnnnnnZ` (always nine digits, always UTC, years 0001 to 9999):
 * fixed width, so that text order is time order, here and in Postgres under COLLATE "C".
 */
export type Instant = string & { readonly [brand]: "Instant" };

/** What a `parse...` function answers: the value, or a sentence part that says what was wrong. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const problem = (text: string): { readonly ok: false; readonly problem: string } => ({
  ok: false,
  problem: text,
});

// Separators stand everywhere or nowhere, in the date and in the time.
const shape =
  /^(\d{4})(-?)(\d{2})\2(\d{2})[T ](\d{2})(:?)(\d{2})(?:\6(\d{2})(?:[.,](\d+))?)?(?: ?(Z|[+-]\d{2}(?::?\d{2})?)(?: [A-Za-z0-9+-]{1,10})?)?(?: m=[+-]\d{1,20}(?:\.\d{1,12})?)?$/i;

const monthNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/**
 * Reads ISO 8601 date and time with or without offset and fraction, `YYYY-MM-DD HH:mm:ss[.fff]` (Uptime Kuma; without
 * a zone: UTC), and Go's own text, `2025-01-15 10:30:14.217 +0000 UTC`, with or without a trailing ` m=+1.2`.
 * Strict: a date or time that does not exist is a problem, never another one. Digits after the ninth are cut.
 */
export function parseInstant(text: string): Parsed<Instant> {
  const found = text.length <= 100 ? shape.exec(text.trim()) : null;
  if (found === null) return problem('it is no ISO 8601 date and time, like "2025-01-15T10:30:00Z"');
  const [, yearText, , monthText, dayText, hourText, , minuteText, secondText, fractionText, zone] = found;
  const year = Number(yearText);
  const month = Number(monthText);
  const day = Number(dayText);
  const hour = Number(hourText);
  const minute = Number(minuteText);
  const second = Number(secondText ?? 0);
  if (year < 1) return problem("year 0000 does not exist");
  if (month < 1 || month > 12) return problem(`there is no month ${monthText}`);
  const days = daysIn({ year, month });
  if (day < 1 || day > days) return problem(`${monthNames[month - 1]} has no day ${day}`);
  if (hour > 23) return problem(`there is no hour ${hour}`);
  if (minute > 59) return problem(`there is no minute ${minute}`);
  if (second > 59) return problem(`there is no second ${second}`);
  const offset = offsetMinutes(zone);
  if (offset === undefined) return problem(`there is no offset ${zone}`);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute - offset, second, 0);
  const instant = fromDate(date, (fractionText ?? "").slice(0, 9).padEnd(9, "0"));
  return instant === undefined
    ? problem("in UTC it lies outside the years 0001 to 9999")
    : { ok: true, value: instant };
}

/** Milliseconds since 1970, fractions cut; undefined where not finite or outside the years 0001 to 9999. */
export function instantFromEpochMs(epochMs: number): Instant | undefined {
  if (!Number.isFinite(epochMs)) return undefined;
  const whole = Math.floor(epochMs);
  const date = new Date(whole);
  return Number.isNaN(date.getTime())
    ? undefined
    : fromDate(date, `${String(((whole % 1000) + 1000) % 1000).padStart(3, "0")}000000`);
}

/** Whole milliseconds since 1970, digits below cut. */
export const toEpochMs = (instant: Instant): number => Date.parse(toRfc3339(instant));

/** `later` minus `earlier` in seconds, exact to the nanosecond as far as a number can hold it; may be negative. */
export function secondsBetween(span: { readonly earlier: Instant; readonly later: Instant }): number {
  return Number(toEpochNs(span.later) - toEpochNs(span.earlier)) / 1e9;
}

/** `later` minus `earlier` in whole microseconds, rounded down. */
export function microsecondsBetween(span: { readonly earlier: Instant; readonly later: Instant }): bigint {
  return (toEpochNs(span.later) - toEpochNs(span.earlier)) / 1000n;
}

/** `instant` plus the time from `earlier` to `later`; kept within the years 0001 to 9999. */
export function shift(
  instant: Instant,
  span: { readonly earlier: Instant; readonly later: Instant },
): Instant {
  return fromEpochNs(toEpochNs(instant) + toEpochNs(span.later) - toEpochNs(span.earlier));
}

/** The earliest there is. */
export const earliestInstant = "0001-01-01T00:00:00.000000000Z" as Instant;

/** `2025-01-15T10:30:14.217Z`: how answers print an instant (truncated to the millisecond). */
export const toRfc3339 = (instant: Instant): string => `${instant.slice(0, 23)}Z`;

/** Nanoseconds since 1970. */
export const toEpochNs = (instant: Instant): bigint =>
  BigInt(Date.parse(`${instant.slice(0, 19)}Z`)) * 1_000_000n + BigInt(instant.slice(20, 29));

const earliestNs = -62_135_596_800_000_000_000n;
const latestNs = 253_402_300_799_999_999_999n;

/** Nanoseconds since 1970, kept within the years 0001 to 9999. */
export function fromEpochNs(epochNs: bigint): Instant {
  const ns = epochNs < earliestNs ? earliestNs : epochNs > latestNs ? latestNs : epochNs;
  const fraction = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return fromDate(
    new Date(Number((ns - fraction) / 1_000_000n)),
    String(fraction).padStart(9, "0"),
  ) as Instant;
}

function fromDate(date: Date, nanoseconds: string): Instant | undefined {
  const year = date.getUTCFullYear();
  return year < 1 || year > 9999
    ? undefined
    : (`${date.toISOString().slice(0, 19)}.${nanoseconds}Z` as Instant);
}

function daysIn(of: { readonly year: number; readonly month: number }): number {
  if (of.month === 2) return of.year % 4 === 0 && (of.year % 100 !== 0 || of.year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(of.month) ? 30 : 31;
}

function offsetMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === "Z") return 0;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}
