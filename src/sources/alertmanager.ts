// Prometheus Alertmanager's webhook, version 4. One signal per alert: the group's own status is no alert's.

import { Type } from "@sinclair/typebox";
import { groupReading } from "./found-signal.ts";
import { at, hasFields, listOf } from "./json-fields.ts";
import { prometheusAlert } from "./prometheus-alert.ts";
import type { Source } from "./source.ts";
import { leftOutOf } from "./truncated-group.ts";

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
      alerts.map((alert) => prometheusAlert(payload, alert, { isOneOfMany: alerts.length > 1 })),
      leftOutOf(payload.body),
    );
  },
};
