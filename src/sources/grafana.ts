// Grafana's unified alerting. One signal per alert: the group's status, state and title only repeat what alerts say.

import { Type } from "@sinclair/typebox";
import { type Element, elementOf, groupReading, ignored } from "./found-signal.ts";
import { at, firstText, hasFields, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";
import { leftOutOf } from "./truncated-group.ts";

const statuses = statusTable({ firing: "ALERT", resolved: "RECOVERY" });

/** Why an alert no longer fires although nothing recovered: its rule was paused, deleted or changed. */
const endsOfRules = ["paused", "ruledeleted", "updated"];

/** Alerts that Grafana makes itself when a rule gives no data; the rule's own name is in another label. */
const alertsAboutRules = ["DatasourceNoData", "DatasourceError"];

export const grafana: Source = {
  name: "grafana",
  title: "Grafana",
  documentation:
    "https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/",
  payload: Type.Object({
    alerts: Type.Array(
      Type.Object({
        status: Type.String(),
        labels: Type.Optional(Type.Record(Type.String(), Type.String())),
        annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
        startsAt: Type.String(),
        endsAt: Type.Optional(Type.String()),
        fingerprint: Type.String(),
        ruleUID: Type.Optional(Type.String()),
        generatorURL: Type.Optional(Type.String()),
      }),
    ),
    title: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Alerting, Contact points, add a contact point of type Webhook and paste this URL.",
      "Leave 'Disable resolved message' and 'Max Alerts' off (alerts that it cuts off never arrive; the answer's left_out says how many), and let a notification policy route to the contact point.",
      "Under Optional settings put the key into Authorization Header (scheme Bearer, the key as credentials).",
      "To sign too, set an HMAC secret (timestamp header X-Grafana-Alerting-Timestamp) and give it to the key here as a signing secret.",
    ],
    authentication: ["bearer", "header", "basic", "signature"],
    on_failure: "It does not retry by itself: the group is sent again at the next group interval.",
    unsure: [
      "That a paused, deleted or changed rule says so in the annotation grafana_state_reason: such an end is a dismissal.",
      "Which headers may be set depends on the version; older ones know only Authorization and basic.",
    ],
  },
  signature: "grafana",
  recognise: ({ headers, body }) =>
    headers["x-grafana-alerting-signature"] !== undefined ||
    (hasFields(body, "alerts", "groupKey", "orgId") && at(body, "version") === "1") ||
    (headers["user-agent"]?.startsWith("Grafana") === true && hasFields(body, "alerts")),
  read(payload) {
    const alerts = listOf(at(payload.body, "alerts"));
    return groupReading(
      alerts.map((alert) => alertOf(payload, alert, alerts.length > 1)),
      leftOutOf(payload.body),
    );
  },
};

function alertOf(payload: SourcePayload, alert: unknown, grouped: boolean): Element {
  if (isTest(alert)) return ignored("a test of the contact point", "test");
  const name = textAt(alert, "labels", "alertname");
  const status = textAt(alert, "status");
  const reason = textAt(alert, "annotations", "grafana_state_reason")?.toLowerCase() ?? "";
  const isEndOfRule = status?.trim().toLowerCase() === "resolved" && endsOfRules.includes(reason);
  const aboutRule = name !== undefined && alertsAboutRules.includes(name);
  return elementOf(payload, {
    incident_id: textAt(alert, "fingerprint"),
    status,
    means: isEndOfRule ? "DISMISSAL" : statuses,
    start: timeText(at(alert, "startsAt")),
    end: timeText(at(alert, "endsAt")),
    monitor_name: (aboutRule ? textAt(alert, "labels", "rulename") : undefined) ?? name,
    monitor_id: textAt(alert, "ruleUID") ?? ruleInUrl(textAt(alert, "generatorURL")),
    message:
      firstText(alert, "annotations.summary", "annotations.description") ?? textAt(payload.body, "title"),
    element: grouped ? alert : undefined,
  });
}

/** What the Test button of a contact point sends. */
const isTest = (alert: unknown): boolean =>
  textAt(alert, "labels", "alertname") === "TestAlert" &&
  textAt(alert, "labels", "instance") === "Grafana" &&
  textAt(alert, "annotations", "summary") === "Notification test";

const ruleInUrl = (url: string | undefined): string | undefined =>
  /\/alerting\/(?:grafana\/)?([A-Za-z0-9_-]{1,100})\/(?:view|edit)\b/.exec(url ?? "")?.[1];
