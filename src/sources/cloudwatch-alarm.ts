// What both ways of sending CloudWatch's alarms share: the states and what they mean. Not a source itself.

import { type Meaning, meaningOf, statusTable } from "./status-table.ts";

const states = statusTable({ ALARM: "ALERT", OK: "RECOVERY", INSUFFICIENT_DATA: "neither" });

/** An alarm that is OK for the first time was never in trouble: before that it only had no data. */
export function meaningOfState(now: string | undefined, before: string | undefined): Meaning | undefined {
  if (now === undefined) return undefined;
  const meaning = meaningOf(states, now);
  return meaning === "RECOVERY" && before?.trim().toUpperCase() === "INSUFFICIENT_DATA" ? "neither" : meaning;
}

export const alarmUnsure: readonly string[] = [
  "OK that follows INSUFFICIENT_DATA is recorded and ends no outage: it is what a new alarm says first.",
];
