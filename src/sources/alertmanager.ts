// Prometheus Alertmanager's webhook, version 4. One signal per alert: the group's own status is no alert's.

import { Type } from "@sinclair/typebox";
import { type Element, elementOf, groupReading, ignored } from "./found-signal.ts";
import { at, firstText, hasFields, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";
import { leftOutOf } from "./truncated-group.ts";

const statuses = statusTable({ firing: "ALERT", resolved: "RECOVERY" });

export const alertmanager: Source = {
  name: "alertmanager",
  title: "Prometheus Alertmanager",
  documentation: "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
  payload: Type.Object({
    alerts: Type.Array(
      Type.Object({
        status: Type.String(),
        labels: Type.Optional(Type.Record(Type.String(), Type.String())),
        annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
        startsAt: Type.String(),
        endsAt: Type.Optional(Type.String()),
        fingerprint: Type.String(),
      }),
    ),
  }),
  setup: {
    steps: [
      "In alertmanager.yml give a receiver a webhook_configs entry with this URL as its url.",
      "Leave send_resolved at true, so that recoveries arrive, and max_alerts at 0: alerts that it cuts off never arrive. The answer's left_out says how many it cut.",
      "Put the key under http_config: authorization: credentials (a bearer token), or under http_config: http_headers as X-API-Key.",
    ],
    authentication: ["bearer", "header", "basic"],
    on_failure:
      "On 5xx and network errors it retries with growing pauses until the next group interval; after a 4xx it sends the group again at the next group interval.",
  },
  recognise: ({ headers, body }) =>
    (headers["user-agent"]?.startsWith("Alertmanager/") === true && hasFields(body, "alerts")) ||
    (hasFields(body, "alerts", "groupKey") && at(body, "version") === "4"),
  read(payload) {
    const alerts = listOf(at(payload.body, "alerts"));
    return groupReading(
      alerts.map((alert) => alertOf(payload, alert, alerts.length > 1)),
      leftOutOf(payload.body),
    );
  },
};

/** Alerts of kube-prometheus that always fire, to show that alerting works or to silence others: no trouble. */
const alwaysFiring = ["Watchdog", "InfoInhibitor", "DeadMansSwitch"];

function alertOf(payload: SourcePayload, alert: unknown, isOneOfMany: boolean): Element {
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
    monitor_name: name,
    monitor_id: fingerprint,
    message: firstText(alert, "annotations.summary", "annotations.description", "annotations.message"),
    element: isOneOfMany ? alert : undefined,
  });
}
