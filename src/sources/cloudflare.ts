// Cloudflare's notifications. An envelope with the notification's own data in it: a health check says its state there,
// every other kind by the envelope's alert_event. Kinds that only inform never end, so they are no alerts.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const events = statusTable({
  ALERT_STATE_EVENT_START: "ALERT",
  ALERT_STATE_EVENT_END: "RECOVERY",
});

const healths = statusTable({ Unhealthy: "ALERT", Healthy: "RECOVERY" });

const informs = /certificate|ssl|billing|usage|report|maintenance|expir|^workers_alert$/i;

/** What the Save and test button of a webhook sends. */
const testText = /^Hello World! This is a test message sent from https:\/\/cloudflare\.com/;

export const cloudflare: Source = {
  name: "cloudflare",
  title: "Cloudflare notifications",
  documentation: "https://developers.cloudflare.com/notifications/reference/webhook-payload-schema/",
  payload: Type.Object({
    alert_type: Type.Optional(Type.String()),
    alert_event: Type.Optional(Type.String()),
    data: Type.Object({}),
    ts: Type.Optional(Type.Number()),
  }),
  setup: {
    steps: [
      "Under Notifications, Destinations, create a webhook with this URL and the key as ?token=. Leave its secret empty: it is sent in a header that is not read here.",
      "Add the destination to notifications that end as well as begin: origin health checks, origin errors, DDoS attacks, Workers observability and the like.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "Certificates, bills, usage and reports are ignored: they are notices that nothing ends. They are told by words in alert_type.",
      "Of the kinds of data only those that the documentation shows are known; others are read by alert_event and ts alone.",
    ],
  },
  recognise: ({ body }) =>
    (hasFields(body, "text", "data", "ts") && hasFields(body, "alert_correlation_id")) ||
    hasFields(body, "data", "policy_id", "alert_type", "account_id") ||
    testText.test(textAt(body, "text") ?? ""),
  read(payload) {
    const { body } = payload;
    if (testText.test(textAt(body, "text") ?? "")) return ignored("a test of the destination", "test");
    const type = textAt(body, "alert_type") ?? "";
    if (informs.test(type))
      return ignored(`a notice of the kind ${type.slice(0, 80)}, which nothing ends`, "other_event");
    return readingOf(payload, {
      ...(type === "health_check_status_notification" ? healthIn(body) : eventIn(body)),
      monitor_name: firstText(
        body,
        "data.health_check_name",
        "data.name",
        "data.config.name",
        "policy_name",
        "name",
      ),
      monitor_id: firstText(body, "data.health_check_id", "data.config.id", "policy_id"),
      message: textAt(body, "text"),
    });
  },
};

const healthIn = (body: unknown) => ({
  incident_id: firstText(body, "data.health_check_id", "alert_correlation_id"),
  status: firstText(body, "data.new_health_status", "data.new_status", "data.status"),
  means: healths,
  moment: timeText(at(body, "data", "status_change_time")) ?? timeNumber(at(body, "ts"), "s"),
});

const eventIn = (body: unknown) => ({
  incident_id: firstText(body, "data.episode.id", "alert_correlation_id"),
  status: textAt(body, "alert_event"),
  means: events,
  start: timeText(at(body, "data", "episode", "first_fired")) ?? timeText(at(body, "data", "start_time")),
  end: timeText(at(body, "data", "episode", "resolved_at")),
  moment: timeNumber(at(body, "ts"), "s"),
});
