// GoAlert's outgoing webhook, as a contact method or a channel. It names no time, so that of receipt counts. What has
// happened to an alert is told by its log entry's first word.

import { Type } from "@sinclair/typebox";
import { type Found, ignored, readingOf, unrecognised } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";

const noChange: Meaning = { ignored: "the alert was neither opened nor closed" };

const entries = statusTable({
  Created: "REMINDER",
  Closed: "RECOVERY",
  Acknowledged: "ACKNOWLEDGEMENT",
  Escalated: noChange,
  Notification: noChange,
  Responded: noChange,
  Suppressed: noChange,
});

const types = [
  "Alert",
  "AlertBundle",
  "AlertStatus",
  "AlertStatusBundle",
  "ScheduleOnCallUsers",
  "Test",
  "Verification",
];

export const goalert: Source = {
  name: "goalert",
  title: "GoAlert",
  documentation: "https://github.com/target/goalert/blob/master/notification/webhook/sender.go",
  payload: Type.Object({ Type: Type.String(), AlertID: Type.Number() }),
  setup: {
    steps: [
      "Add this URL with the key as ?token= as a Webhook: in an escalation policy's step, or as a user's contact method whose status updates are switched on, so that closed alerts are told.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "The answer must come within 3 seconds; whether it tries again is not documented.",
    unsure: [
      "A bundle of alerts names none of them: it is kept in the quarantine.",
      "GoAlert signs with a key pair of its own; its signature is not checked here.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "AppName", "Type") && types.includes(textAt(body, "Type") ?? ""),
  read(payload) {
    const type = textAt(payload.body, "Type");
    switch (type) {
      case "Test":
        return ignored("a test of the webhook", "test");
      case "Verification":
        return ignored("the verification of a contact method", "handshake");
      case "ScheduleOnCallUsers":
        return ignored("a webhook about who is on call", "other_event");
      case "AlertBundle":
        return unrecognised("it is a bundle of alerts that names none of them");
      case "Alert":
        return readingOf(payload, { ...alertIn(payload), status: type, means: "ALERT" });
      case "AlertStatus":
      case "AlertStatusBundle":
        return readingOf(payload, {
          ...alertIn(payload),
          status: /^\s*([A-Za-z]+)/.exec(textAt(payload.body, "LogEntry") ?? "")?.[1],
          means: entries,
        });
      default:
        return unrecognised("it names no type that GoAlert is known to send");
    }
  },
};

const alertIn = (payload: SourcePayload): Omit<Found, "status" | "means"> => ({
  incident_id: textAt(payload.body, "AlertID"),
  monitor_name: textAt(payload.body, "ServiceName"),
  monitor_id: textAt(payload.body, "ServiceID"),
  message: textAt(payload.body, "Summary") ?? textAt(payload.body, "LogEntry"),
});
