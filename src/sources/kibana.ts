// Kibana's webhook connector. It has no body of its own: this reads one that uses the action variables under their own
// names, as the setup text prints it. Which action groups mean an alert depends on the rule's type.

import { Type } from "@sinclair/typebox";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, meaningOf, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  recovered: "RECOVERY",
  active: "ALERT",
  default: "ALERT",
  "threshold met": "ALERT",
  threshold_met: "ALERT",
  "query matched": "ALERT",
  "tracked entity contained": "ALERT",
  anomaly_score_match: "ALERT",
  anomaly_detection_realtime_issue: "ALERT",
  transform_issue: "ALERT",
  "custom_threshold.nodata": "neither",
  "metrics.threshold.nodata": "neither",
});

/** `custom_threshold.fired`, `metrics.threshold.warning`, `slo.burnRate.high`, `xpack.uptime.alerts.actionGroups.tls`. */
const alertGroup =
  /^([a-z_]+(\.[a-z_]+)*\.(fired|warning)|slo\.burnRate\.(alert|high|medium|low)|xpack\.(uptime|synthetics)\.alerts\.actionGroups\.[A-Za-z]+)$/i;

const meaning = (group: string | undefined): Meaning | undefined =>
  group === undefined
    ? undefined
    : (meaningOf(statuses, group) ?? (alertGroup.test(group) ? "ALERT" : undefined));

const template = `{"rule": {"id": "{{rule.id}}", "name": "{{rule.name}}"}, "alert": {"id": "{{alert.id}}", "uuid": "{{alert.uuid}}", "actionGroup": "{{alert.actionGroup}}"}, "context": {"reason": "{{context.reason}}"}, "date": "{{date}}"}`;

export const kibana: Source = {
  name: "kibana",
  title: "Kibana",
  documentation: "https://www.elastic.co/guide/en/kibana/current/webhook-action-type.html",
  payload: Type.Object({
    rule: Type.Optional(
      Type.Object({ id: Type.Optional(Type.String()), name: Type.Optional(Type.String()) }),
    ),
    alert: Type.Object({ actionGroup: Type.String() }),
  }),
  setup: {
    steps: [
      "Create a Webhook connector with this URL and a header X-API-Key with the key (or user and password, the key as password).",
      `Kibana has no body of its own. Give the rule's action this body: ${template}`,
      "Add a second action with the same body for the action group Recovered, and let both run on status changes.",
    ],
    authentication: ["header", "basic"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "The body is ours, written with Kibana's documented variables; action groups of rare rule types.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(at(body, "alert"), "actionGroup") && (hasFields(body, "rule") || hasFields(body, "context")),
  read(payload) {
    const { body } = payload;
    const status = filled(textAt(body, "alert", "actionGroup"));
    const time =
      timeText(at(body, "date")) ??
      timeText(at(body, "context", "timestamp")) ??
      timeText(at(body, "timestamp"));
    const ruleId = filled(textAt(body, "rule", "id"));
    const alertId = filled(textAt(body, "alert", "id"));
    return readingOf(payload, {
      incident_id:
        filled(textAt(body, "alert", "uuid")) ??
        (alertId === undefined || ruleId === undefined ? alertId : `${ruleId}/${alertId}`),
      status,
      means: meaning(status),
      // Actions run again, and again in another group: within an outage nothing begins anew.
      reminder: true,
      moment: time,
      monitor_name: filled(textAt(body, "rule", "name")),
      monitor_id: ruleId,
      message: filled(firstText(body, "context.reason", "context.message", "message")),
    });
  },
};
