// What an envelope's type (CloudEvents, Standard Webhooks) means where its data name no status. Knows no sender.

import { type Meaning, meaningOf, statusTable } from "./status-table.ts";

const words = statusTable({
  alert: "ALERT",
  alerting: "ALERT",
  triggered: "ALERT",
  firing: "ALERT",
  fired: "ALERT",
  detected: "ALERT",
  down: "ALERT",
  open: "ALERT",
  opened: "ALERT",
  created: "ALERT",
  started: "ALERT",
  reopened: "ALERT",
  problem: "ALERT",
  // CDEvents tells an incident that was detected again when it is written down.
  reported: "REMINDER",
  recovery: "RECOVERY",
  recovered: "RECOVERY",
  resolved: "RECOVERY",
  closed: "RECOVERY",
  up: "RECOVERY",
  ok: "RECOVERY",
  merged: "DISMISSAL",
  duplicate: "DISMISSAL",
  duplicated: "DISMISSAL",
  deleted: "DISMISSAL",
  archived: "DISMISSAL",
  cancelled: "DISMISSAL",
  canceled: "DISMISSAL",
  dismissed: "DISMISSAL",
  muted: "DISMISSAL",
  acknowledged: "ACKNOWLEDGEMENT",
  updated: { ignored: "an update, neither raised nor ended" },
  commented: { ignored: "a comment" },
  escalated: { ignored: "an escalation, neither raised nor ended" },
  snoozed: { ignored: "put off, neither raised nor ended" },
  test: { ignored: "a test", cause: "test" },
  ping: { ignored: "a ping", cause: "test" },
});

/** What a sender writes behind the name of a type to say which version of it this is: `v2`, `1.0`, `0.3.0-draft`. */
const version = /^(v?\d{1,20}|alpha|beta|draft|rc)\d{0,9}$/i;

/**
 * By the type's last word: `com.example.monitor.recovery`, `incident.opened`, `incidentResolved`; versions at its end do
 * not count. A word that is denied (`not_ok`) means nothing.
 */
export function meaningOfType(type: string): Meaning | undefined {
  const parts = type
    .replace(/([a-z])([A-Z])/g, "$1.$2")
    .split(/[./:_\s-]/)
    .filter((word) => word !== "");
  const last = parts.findLastIndex((word) => !version.test(word));
  if (last < 0 || /^(not|no|non)$/i.test(parts[last - 1] ?? "")) return undefined;
  return meaningOf(words, parts[last] ?? "");
}
