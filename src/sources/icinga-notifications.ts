// Icinga Notifications' webhook channel with its default body. It sends no Content-Type and takes only a 200.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const noState = { ignored: "a severity below warning: no state" };

// An incident's id is never used again, so that within it nothing begins anew: not with another severity, nor with a
// comment, of which the event's own severity says nothing.
const statuses = statusTable({
  warning: "REMINDER",
  err: "REMINDER",
  crit: "REMINDER",
  alert: "REMINDER",
  emerg: "REMINDER",
  ok: "RECOVERY",
  debug: noState,
  info: noState,
  notice: noState,
});

export const icingaNotifications: Source = {
  name: "icinga-notifications",
  title: "Icinga Notifications",
  documentation: "https://icinga.com/docs/icinga-notifications/latest/doc/10-Channels/",
  payload: Type.Object({
    object: Type.Object({ name: Type.String() }),
    incident: Type.Object({
      id: Type.Union([Type.Number(), Type.String()]),
      severity: Type.String(),
    }),
  }),
  setup: {
    steps: [
      "Add a channel of the type Webhook with the method POST and leave its body template at {{json .}}.",
      "Its URL is this one with the key as ?token=, or with the key as password: https://x:KEY@host/...",
      "Leave the accepted status code at 200.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "It is not sent again.",
    unsure: [
      "The words of event.type, where a template sends it: state and incident-age are read as states, acknowledgement-set as an acknowledgement, all others are ignored.",
      "That the channel sends a user and password written into its URL (general knowledge of Go).",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "object", "event", "incident") && hasFields(at(body, "object"), "name"),
  read(payload) {
    const { body } = payload;
    if (hasFields(body, "object", "incident") && at(body, "incident") === null) {
      return ignored("an event without an incident");
    }
    if (hasFields(at(body, "incident"), "severity") && at(body, "incident", "severity") === null) {
      return ignored("an incident without a severity");
    }
    const type = textAt(body, "event", "type");
    const isAcknowledged = type === "acknowledgement-set";
    if (type !== undefined && type !== "state" && type !== "incident-age" && !isAcknowledged) {
      return ignored(`an event of the type ${type.slice(0, 40)}, no change of state`);
    }
    const name = textAt(body, "object", "name");
    const time = timeText(at(body, "event", "time"));
    return readingOf(payload, {
      incident_id: textAt(payload.body, "incident", "id"),
      status: textAt(body, "incident", "severity"),
      means: isAcknowledged ? "ACKNOWLEDGEMENT" : statuses,
      moment: time,
      monitor_name: name,
      monitor_id: name,
      message: textAt(body, "event", "message"),
    });
  },
};
