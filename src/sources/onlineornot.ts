// OnlineOrNot's webhook. It names no time; the URL that is checked is the only id.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ "uptime.down": "ALERT", "uptime.up": "RECOVERY" });

export const onlineornot: Source = {
  name: "onlineornot",
  title: "OnlineOrNot",
  documentation: "https://onlineornot.com/docs/how-to-receive-uptime-alerts-via-webhook",
  payload: Type.Object({ event: Type.String(), url: Type.String(), name: Type.Optional(Type.String()) }),
  setup: {
    steps: [
      "In Alerting add a Webhook and paste this URL with the key as ?token=.",
      "Choose the webhook in the uptime checks.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "Whether it can send headers: its documentation shows only a URL.",
      "It names no time: that of receipt counts.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "event", "url") && /^uptime\./.test(textAt(body, "event") ?? ""),
  read(payload) {
    const { body } = payload;
    const url = textAt(body, "url");
    const event = textAt(body, "event");
    return readingOf(payload, {
      incident_id: url,
      status: event,
      means: statuses,
      monitor_name: textAt(body, "name"),
      monitor_id: url,
      message: event,
    });
  },
};
