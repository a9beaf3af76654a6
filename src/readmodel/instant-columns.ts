// An instant as Postgres holds it: a timestamp of whole microseconds, and beside it the nanoseconds below that.

import type { Instant } from "../domain/instant.ts";

/** As the driver hands over a timestamp: Postgres' own text, trailing zeros of the fraction left out. */
export const instantOf = (timestamp: string, nanoseconds: number): Instant => {
  const fraction = timestamp.length > 19 ? timestamp.slice(20).padEnd(6, "0") : "000000";
  return `${timestamp.slice(0, 10)}T${timestamp.slice(11, 19)}.${fraction}${String(nanoseconds).padStart(3, "0")}Z` as Instant;
};

export const instantOrNull = (timestamp: string | null, nanoseconds: number | null): Instant | null =>
  timestamp === null ? null : instantOf(timestamp, nanoseconds ?? 0);

/** As Postgres reads it. */
export const timestampOf = (instant: Instant): string => instant.slice(0, 26);

export const nanosecondsOf = (instant: Instant): number => Number(instant.slice(26, 29));
