// Gatus with its alerting provider zapier, whose fixed JSON names the time, in the server's own zone.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

// Its time is that of the sending, and minimum-reminder-interval sends an open alert again.
const statuses = statusTable({ triggered: "REMINDER", resolved: "RECOVERY" });

export const gatusZapier: Source = {
  name: "gatus-zapier",
  title: "Gatus (provider zapier)",
  documentation: "https://github.com/TwiN/gatus#configuring-zapier-alerts",
  payload: Type.Object({ endpoint: Type.String(), alert_type: Type.String() }),
  setup: {
    steps: [
      "In Gatus's configuration set alerting.zapier.webhook-url to this URL with the key as ?token=.",
      "Give the endpoints an alert of the type zapier with send-on-resolved: true.",
    ],
    authentication: ["token_in_url"],
    on_failure: "It is not sent again.",
  },
  recognise: ({ body }) => hasFields(body, "alert_type", "endpoint", "total_conditions"),
  read(payload) {
    const { body } = payload;
    const endpoint = textAt(body, "endpoint");
    const time = timeText(at(body, "timestamp"));
    return readingOf(payload, {
      incident_id: endpoint,
      status: textAt(body, "alert_type"),
      means: statuses,
      moment: time,
      monitor_name: endpoint,
      monitor_id: endpoint,
      message: firstText(body, "message", "description"),
    });
  },
};
