// Grafana's alerting before version 9 (dashboard alerts). The body holds no time at all.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({
  alerting: "ALERT",
  ok: "RECOVERY",
  no_data: "neither",
  pending: "neither",
  // Nobody watches any more: an open outage would stay open for ever.
  paused: "DISMISSAL",
});

export const grafanaLegacy: Source = {
  name: "grafana-legacy",
  title: "Grafana legacy alerting",
  documentation: "https://grafana.com/docs/grafana/v8.5/alerting/old-alerting/notifications/#webhook",
  payload: Type.Object({
    ruleId: Type.Union([Type.Number(), Type.String()]),
    ruleName: Type.String(),
    state: Type.String(),
    message: Type.Optional(Type.String()),
    title: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Alerting, Notification channels, add a channel of type webhook and paste this URL.",
      "Put the key into Password (any Username), or append it to the URL as ?token=.",
      "Choose the channel in the alert tab of each panel, or make it the default.",
    ],
    authentication: ["basic", "token_in_url"],
    on_failure: "It does not retry.",
    unsure: [
      "It names no time: that of receipt counts, and an alert that is told again (Send reminders) restarts nothing.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "ruleId", "ruleName", "state"),
  read(payload) {
    const { body } = payload;
    if (textAt(body, "ruleId") === "0" && textAt(body, "ruleName") === "Test notification") {
      return ignored("a test of the notification channel", "test");
    }
    const rule = textAt(payload.body, "ruleId");
    return readingOf(payload, {
      incident_id: rule,
      status: textAt(body, "state"),
      means: statuses,
      monitor_name: textAt(body, "ruleName"),
      monitor_id: rule,
      message: firstText(body, "message", "title"),
    });
  },
};
