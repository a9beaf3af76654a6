// Outgoing webhooks of Grafana OnCall and Grafana Cloud IRM that forward the whole payload. One alert group is one
// incident; its own state is not asked, because a webhook can be late: the event decides.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const noChange: Meaning = { ignored: "the alert group was neither opened nor resolved" };

const events = statusTable({
  "alert group created": "ALERT",
  escalation: "REMINDER",
  unresolve: "ALERT",
  resolve: "RECOVERY",
  acknowledge: "ACKNOWLEDGEMENT",
  unacknowledge: noChange,
  silence: noChange,
  unsilence: noChange,
});

export const grafanaOncall: Source = {
  name: "grafana-oncall",
  title: "Grafana OnCall and Grafana Cloud IRM",
  documentation: "https://grafana.com/docs/oncall/latest/configure/outgoing-webhooks/",
  payload: Type.Object({
    event: Type.Object({
      type: Type.String(),
      time: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
    alert_group: Type.Object({
      id: Type.String(),
      title: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  }),
  setup: {
    steps: [
      "Under Outgoing Webhooks create three advanced webhooks with this URL: trigger types Alert Group Created, Resolved and Acknowledged. Switch Forward whole payload on.",
      'Give each the headers {"X-API-Key": "<the key>"}.',
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "The answer must come within 4 seconds; whether it tries again is not documented.",
  },
  recognise: ({ body }) =>
    hasFields(body, "event", "alert_group", "alert_group_id") && hasFields(at(body, "event"), "type"),
  read(payload) {
    const { body } = payload;
    const group = at(body, "alert_group");
    const event = textAt(body, "event", "type");
    const time = timeText(at(body, "event", "time"));
    const created = timeText(at(group, "created_at"));
    return readingOf(payload, {
      incident_id: firstText(body, "alert_group.id", "alert_group_id"),
      status: event,
      means: events,
      start: event === "unresolve" ? time : created,
      end: timeText(at(group, "resolved_at")) ?? time,
      moment: time,
      monitor_name: textAt(body, "integration", "name"),
      monitor_id: firstText(body, "integration.id", "alert_group.integration_id"),
      message: textAt(group, "title"),
    });
  },
};
