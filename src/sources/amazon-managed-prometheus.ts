// Amazon Managed Service for Prometheus through an SNS topic: with AWS' template for JSON each alert has its fingerprint
// and its times; the default text has only labels, which then are the incident, and no time but that of the message.

import { Type } from "@sinclair/typebox";
import { type Element, elementOf, groupReading, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, hasFields, listOf, textAt, unwrapped } from "./json-fields.ts";
import { prometheusAlert } from "./prometheus-alert.ts";
import { snsNotice } from "./sns-notice.ts";
import type { Source, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

/** The text repeats an alert that stays, with no time but that of the message. */
const textStatuses = statusTable({ firing: "REMINDER", resolved: "RECOVERY" });

/** The headings of the default text. */
const headings = /^[ \t]{0,8}Alerts (Firing|Resolved):/m;

export const amazonManagedPrometheus: Source = {
  name: "amazon-managed-prometheus",
  title: "Amazon Managed Service for Prometheus",
  documentation:
    "https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-alertmanager-receiver-JSON.html",
  payload: Type.Object({ Type: Type.String(), Message: Type.String(), TopicArn: Type.String() }),
  setup: {
    steps: [
      "Append the key to this URL as ?token= (SNS can send no headers), or write it as https://x:<the key>@host/... .",
      "Add an HTTPS subscription with the URL to the topic that the alert manager's sns_configs name, and leave send_resolved at true.",
      "Take over the template for JSON that AWS' documentation prints (sns.default.message): only with it an alert has its own times.",
      "SNS first asks to confirm the subscription. The operator may allow this service to do so; else open the SubscribeURL that the answer to that request names.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure:
      "Server errors are retried by the topic's delivery policy, three times 20 seconds apart unless told otherwise; a dead-letter queue keeps the rest.",
    unsure: [
      "The default text is read by its headings and the lines that hold a label; its samples are few.",
    ],
  },
  signature: "sns",
  recognise: ({ body }) =>
    hasFields(body, "Type", "TopicArn", "MessageId") &&
    (headings.test(textAt(body, "Message") ?? "") || isTemplate(unwrapped(at(body, "Message")))),
  read(payload) {
    const notice = snsNotice(payload);
    if (notice !== undefined) return notice;
    const message = textAt(payload.body, "Message");
    if (message === undefined) return unrecognised("it has no Message");
    const inside = unwrapped(message);
    if (fieldsOf(inside) !== undefined) {
      return groupReading(
        listOf(at(inside, "alerts")).map((alert) =>
          prometheusAlert(payload, alert, {
            isOneOfMany: true,
            moment: timeText(at(payload.body, "Timestamp")),
          }),
        ),
      );
    }
    return headings.test(message)
      ? groupReading(alertsInText(message).map((alert) => textElement(payload, alert)))
      : unrecognised("its Message holds no alerts of Prometheus");
  },
};

/** AWS' template has fewer fields than the webhooks of Alertmanager and Grafana, which may come through SNS as well. */
const isTemplate = (message: unknown): boolean =>
  hasFields(message, "receiver", "status", "alerts") &&
  !hasFields(message, "version") &&
  !hasFields(message, "groupKey");

interface TextAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

const textElement = (payload: SourcePayload, alert: TextAlert): Element => {
  const names = Object.keys(alert.labels).sort();
  return elementOf(payload, {
    incident_id:
      names.length === 0 ? undefined : names.map((name) => `${name}=${alert.labels[name]}`).join(","),
    status: alert.status,
    means: textStatuses,
    moment: timeText(at(payload.body, "Timestamp")),
    monitor_name: alert.labels.alertname,
    message: alert.annotations.summary ?? alert.annotations.description ?? alert.annotations.message,
    element: alert,
  });
};

/** Each `Labels:` begins an alert; lines ` - name = value` are its labels, behind `Annotations:` its annotations. */
function alertsInText(text: string): TextAlert[] {
  const alerts: TextAlert[] = [];
  let status: TextAlert["status"] = "firing";
  let fields: Record<string, string> | undefined;
  for (const line of text.split("\n")) {
    const heading = /^\s*Alerts (Firing|Resolved):/.exec(line)?.[1];
    const pair = /^\s*-\s*([A-Za-z_]\w{0,99}) = (.{0,500})$/.exec(line.trimEnd());
    if (heading !== undefined) status = heading === "Firing" ? "firing" : "resolved";
    else if (/^\s*Labels:/.test(line)) {
      const alert: TextAlert = { status, labels: Object.create(null), annotations: Object.create(null) };
      alerts.push(alert);
      fields = alert.labels;
    } else if (/^\s*Annotations:/.test(line)) fields = alerts.at(-1)?.annotations;
    else if (pair?.[1] !== undefined && fields !== undefined) fields[pair[1]] = pair[2] ?? "";
  }
  return alerts;
}
