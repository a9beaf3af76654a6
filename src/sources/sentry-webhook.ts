// What Sentry's three sources share: one integration has one URL and sends metric alerts, issue alerts and issues to it,
// so each of them reads all three. Not a source itself.

import { type Element, elementOf, groupReading, ignored, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, firstText, textAt } from "./json-fields.ts";
import type { Reading, SourcePayload, SourceSetup } from "./source.ts";
import { type Meaning, meaningOf, type StatusTable, statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const metricStatuses = statusTable({ critical: "ALERT", warning: "ALERT", resolved: "RECOVERY" });

// An issue alert is triggered again while its issue goes on.
const alertStatuses = statusTable({ triggered: "REMINDER" });

const stillOpen: Meaning = { ignored: "the issue neither appeared nor was resolved" };

const issueStatuses = statusTable({
  created: "ALERT",
  unresolved: "ALERT",
  resolved: "RECOVERY",
  assigned: stillOpen,
  archived: "DISMISSAL",
  ignored: "DISMISSAL",
});

/** Other things the same integration may be subscribed to. */
const otherResources = ["installation", "comment", "error", "seer"];

export const sentrySetup = (resource: string): SourceSetup => ({
  steps: [
    "Under Settings, Developer Settings (Custom Integrations), create an internal integration, append the key to this URL as ?token= and paste it as Webhook URL.",
    resource,
    "Give the integration's client secret to the key here as a signing secret: then only what Sentry signed is taken.",
  ],
  authentication: ["token_in_url", "basic", "signature"],
  on_failure:
    "It waits one second. After 1,000 timeouts in 24 hours the webhook is unsubscribed; whether it retries is not documented.",
  unsure: [
    "One integration sends all its webhooks to one URL: any of Sentry's three sources reads them all.",
  ],
});

export const isSentry = (payload: SourcePayload, resource: string, field: string): boolean =>
  payload.headers["sentry-hook-resource"] === resource ||
  (textAt(payload.body, "installation", "uuid") !== undefined &&
    at(payload.body, "data", field) !== undefined);

export function readSentry(payload: SourcePayload): Reading {
  const data = at(payload.body, "data");
  const resource = payload.headers["sentry-hook-resource"] ?? "";
  for (const other of otherResources) {
    if (resource === other || fieldsOf(at(data, other)) !== undefined) {
      return ignored(`a webhook of the kind ${other}: not about an alert or issue`, "other_event");
    }
  }
  const element = elementIn(payload, data);
  return element === undefined
    ? unrecognised("it holds no metric alert, no issue alert and no issue")
    : groupReading([element]);
}

function elementIn(payload: SourcePayload, data: unknown): Element | undefined {
  if (fieldsOf(at(data, "metric_alert")) !== undefined) return metricAlert(payload, data);
  if (fieldsOf(at(data, "event")) !== undefined) return issueAlert(payload, data);
  if (fieldsOf(at(data, "issue")) !== undefined) return issue(payload, data);
  return undefined;
}

const metricAlert = (payload: SourcePayload, data: unknown): Element =>
  elementOf(payload, {
    incident_id: textAt(payload.body, "data", "metric_alert", "id"),
    ...actionOf(payload, metricStatuses),
    start: timeText(at(data, "metric_alert", "date_started")),
    end: timeText(at(data, "metric_alert", "date_closed")) ?? sentAt(payload),
    monitor_name: textAt(data, "metric_alert", "alert_rule", "name"),
    monitor_id: textAt(payload.body, "data", "metric_alert", "alert_rule", "id"),
    message: firstText(data, "description_text", "description_title"),
  });

function issueAlert(payload: SourcePayload, data: unknown): Element {
  const issueId = textAt(payload.body, "data", "event", "issue_id");
  return elementOf(payload, {
    incident_id: issueId,
    ...actionOf(payload, alertStatuses),
    start: timeText(at(data, "event", "datetime")),
    monitor_name: textAt(data, "triggered_rule"),
    monitor_id: issueId,
    message: textAt(data, "event", "title"),
  });
}

function issue(payload: SourcePayload, data: unknown): Element {
  const { status, means } = actionOf(payload, issueStatuses);
  return elementOf(payload, {
    incident_id: textAt(payload.body, "data", "issue", "id"),
    status,
    means,
    // firstSeen is an issue's beginning, not that of each time it comes back: only its creation happened then.
    start: status?.trim().toLowerCase() === "created" ? timeText(at(data, "issue", "firstSeen")) : undefined,
    moment: sentAt(payload),
    monitor_name: textAt(data, "issue", "project", "slug"),
    monitor_id: textAt(payload.body, "data", "issue", "project", "id"),
    message: textAt(data, "issue", "title"),
  });
}

function actionOf(
  payload: SourcePayload,
  table: StatusTable,
): { readonly status: string | undefined; readonly means: Meaning | undefined } {
  const status = textAt(payload.body, "action");
  return { status, means: status === undefined ? undefined : meaningOf(table, status) };
}

/** Bodies of resolutions hold no time of resolution; the header says when the webhook was made. */
const sentAt = (payload: SourcePayload) => timeNumber(payload.headers["sentry-hook-timestamp"], "s");
