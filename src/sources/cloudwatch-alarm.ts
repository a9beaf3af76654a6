// What both ways of sending CloudWatch's alarms share: the states and what they mean. Not a source itself.

import { statusTable } from "./status-table.ts";

/**
 * OK ends what its own alarm began, whatever stood between (metrics stop while an instance is down, so that an alarm goes
 * through INSUFFICIENT_DATA). The first OK of a new alarm finds nothing to end.
 */
export const alarmStates = statusTable({ ALARM: "ALERT", OK: "RECOVERY", INSUFFICIENT_DATA: "neither" });

export const alarmUnsure: readonly string[] = [
  "INSUFFICIENT_DATA is recorded and neither opens nor ends an outage.",
];
