// What an envelope's type (CloudEvents, Standard Webhooks) means where its data name no status. Knows no sender.

import { type Meaning, meaningOf, statusTable } from "./status-table.ts";

const words = statusTable({
  alert: "ALERT",
  alerting: "ALERT",
  triggered: "ALERT",
  firing: "ALERT",
  fired: "ALERT",
  down: "ALERT",
  open: "ALERT",
  opened: "ALERT",
  created: "ALERT",
  started: "ALERT",
  problem: "ALERT",
  recovery: "RECOVERY",
  recovered: "RECOVERY",
  resolved: "RECOVERY",
  closed: "RECOVERY",
  up: "RECOVERY",
  ok: "RECOVERY",
  acknowledged: "ACKNOWLEDGEMENT",
  test: { ignored: "a test", cause: "test" },
  ping: { ignored: "a ping", cause: "test" },
});

/** By the type's last word: `com.example.monitor.recovery`, `incident.opened`; versions at its end do not count. */
export function meaningOfType(type: string): Meaning | undefined {
  const last = type
    .split(/[./:_-]/)
    .filter((word) => word !== "" && !/^v\d+$/i.test(word))
    .at(-1);
  return last === undefined ? undefined : meaningOf(words, last);
}
