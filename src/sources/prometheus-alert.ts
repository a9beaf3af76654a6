// One alert as Alertmanager tells it, whoever delivers it.

import type { Instant } from "../domain/instant.ts";
import { type Element, elementOf, ignored } from "./found-signal.ts";
import { at, firstText, textAt } from "./json-fields.ts";
import type { SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({ firing: "ALERT", resolved: "RECOVERY" });

/** Alerts of kube-prometheus that always fire, to show that alerting works or to silence others: no trouble. */
const alwaysFiring = ["Watchdog", "InfoInhibitor", "DeadMansSwitch"];

export function prometheusAlert(
  payload: SourcePayload,
  alert: unknown,
  { isOneOfMany, moment }: { readonly isOneOfMany: boolean; readonly moment?: Instant | undefined },
): Element {
  const name = textAt(alert, "labels", "alertname");
  if (name !== undefined && alwaysFiring.includes(name) && textAt(alert, "labels", "severity") === "none") {
    return ignored("an alert that always fires, to show that alerting works", "test");
  }
  const fingerprint = textAt(alert, "fingerprint");
  return elementOf(payload, {
    incident_id: fingerprint,
    status: textAt(alert, "status"),
    means: statuses,
    start: timeText(at(alert, "startsAt")),
    end: timeText(at(alert, "endsAt")),
    moment,
    monitor_name: name,
    monitor_id: fingerprint,
    message: firstText(alert, "annotations.summary", "annotations.description", "annotations.message"),
    element: isOneOfMany ? alert : undefined,
  });
}
