// The state words that Nagios and Icinga scripts send, and the notifications of theirs that are no change of state.

import { statusTable } from "./status-table.ts";

export const checkStates = statusTable({
  DOWN: "ALERT",
  CRITICAL: "ALERT",
  WARNING: "ALERT",
  UNKNOWN: "ALERT",
  UNREACHABLE: "ALERT",
  UP: "RECOVERY",
  OK: "RECOVERY",
});

/** Why a notification of this type says nothing about the state; undefined for PROBLEM, RECOVERY and no type. */
export const noStateChange = (type: string | undefined): string | undefined =>
  /^\s*(ACKNOWLEDGEMENT|FLAPPING|DOWNTIME|CUSTOM)/i.test(type ?? "")
    ? `a notification of the type ${String(type).trim().slice(0, 40).toUpperCase()}, no change of state`
    : undefined;
