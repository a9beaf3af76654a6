// Uptime.com's Custom Postback URL with its standard payload.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const events = statusTable({ alert_raised: "ALERT", alert_cleared: "RECOVERY" });

export const uptimeCom: Source = {
  name: "uptime-com",
  title: "Uptime.com",
  documentation:
    "https://support.uptime.com/hc/en-us/articles/115002560845-Configuring-Custom-Postback-URL-Webhooks",
  payload: Type.Object({
    event: Type.String(),
    data: Type.Object({ service: Type.Object({ id: Type.Union([Type.Number(), Type.String()]) }) }),
  }),
  setup: {
    steps: [
      "Under Notifications, Integrations, add a Custom Postback URL (Webhook) with this URL and the header X-API-Key: <the key>; leave the legacy payload off.",
      "Assign the integration to a contact of the checks.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "How a test differs from an alert was not found.",
      "The end is the date of the webhook's data, because the alert's created_at may be that of its beginning.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(at(body, "data", "alert"), "is_up") &&
    hasFields(at(body, "data"), "service") &&
    hasFields(body, "event"),
  read(payload) {
    const data = at(payload.body, "data");
    const service = textAt(payload.body, "data", "service", "id");
    const created = timeText(at(data, "alert", "created_at"));
    const date = timeText(at(data, "date"));
    return readingOf(payload, {
      incident_id: service,
      status: textAt(payload.body, "event"),
      means: events,
      moment: textAt(payload.body, "event") === "alert_cleared" ? (date ?? created) : (created ?? date),
      monitor_name: firstText(data, "service.display_name", "service.name"),
      monitor_id: service,
      message: firstText(data, "alert.short_output", "alert.output"),
    });
  },
};
