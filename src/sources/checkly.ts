// Checkly's webhook alert channel. Its body is a template; this reads the one that Checkly proposes.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  ALERT_FAILURE: "ALERT",
  ALERT_DEGRADED: "ALERT",
  ALERT_RECOVERY: "RECOVERY",
  ALERT_DEGRADED_RECOVERY: "RECOVERY",
  // Still bad, worse or less bad than before: nothing begins anew.
  ALERT_FAILURE_REMAIN: "REMINDER",
  ALERT_DEGRADED_REMAIN: "REMINDER",
  ALERT_FAILURE_DEGRADED: "REMINDER",
  ALERT_DEGRADED_FAILURE: "REMINDER",
  ALERT_SSL: { ignored: "a notice about a certificate" },
  NO_ALERT: { ignored: "nothing to alert about" },
});

export const checkly: Source = {
  name: "checkly",
  title: "Checkly",
  documentation: "https://www.checklyhq.com/docs/alerting-and-retries/webhooks/",
  payload: Type.Object({
    alert_type: Type.String(),
    check_id: Type.String(),
    check_name: Type.Optional(Type.String()),
    check_error_message: Type.Optional(Type.String()),
    event: Type.Optional(Type.String()),
    started_at: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Alerts, Alert channels, add a Webhook channel, method POST, and paste this URL.",
      "Keep a body that holds alert_type, check_id, check_name, check_error_message, event and started_at.",
      "Add a header X-API-Key with the key.",
      "To sign too, set a webhook secret and give it to the key here as a signing secret.",
    ],
    authentication: ["header", "signature"],
    on_failure: "It tries five more times, 20 seconds apart, after any answer above 399.",
    unsure: ["A degraded check opens an outage, since Checkly also sends its recovery."],
  },
  signature: "checkly",
  recognise: ({ headers, body }) =>
    headers["x-checkly-timestamp"] !== undefined ||
    headers["x-checkly-signature"] !== undefined ||
    (hasFields(body, "alert_type", "check_id") &&
      /^(ALERT_|NO_ALERT)/.test(textAt(body, "alert_type") ?? "")),
  read(payload) {
    const { body } = payload;
    const check = textAt(body, "check_id");
    const time = timeText(at(body, "started_at"));
    return readingOf(payload, {
      incident_id: check,
      status: textAt(body, "alert_type"),
      means: statuses,
      moment: time,
      monitor_name: textAt(body, "check_name"),
      monitor_id: check,
      message: firstText(body, "check_error_message", "event"),
    });
  },
};
