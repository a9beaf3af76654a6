// The state words that Nagios and Icinga scripts send, and the notifications of theirs that are no change of state.

import { type Meaning, meaningOf, statusTable } from "./status-table.ts";

const checkStates = statusTable({
  DOWN: "ALERT",
  CRITICAL: "ALERT",
  WARNING: "ALERT",
  UNKNOWN: "ALERT",
  UNREACHABLE: "ALERT",
  UP: "RECOVERY",
  OK: "RECOVERY",
});

/**
 * What a notification of this type means: of PROBLEM, RECOVERY and no type the state decides; somebody took a problem on;
 * or it is no change of state. A problem that is not the first notification of its kind is told again, and so may be one
 * whose number is not sent: both tools send problems again, with the time of the sending.
 */
export function meaningOfNotice(notice: {
  readonly type: string | undefined;
  readonly state: string | undefined;
  readonly number: string | undefined;
}): Meaning | undefined {
  const { type, state, number } = notice;
  if (/^\s*ACKNOWLEDGEMENT/i.test(type ?? "")) return "ACKNOWLEDGEMENT";
  if (/^\s*(FLAPPING|DOWNTIME|CUSTOM)/i.test(type ?? "")) {
    return {
      ignored: `a notification of the type ${String(type).trim().slice(0, 40).toUpperCase()}, no change of state`,
    };
  }
  const meaning = state === undefined ? undefined : meaningOf(checkStates, state);
  return meaning === "ALERT" && number?.trim() !== "1" ? "REMINDER" : meaning;
}
