// Gatus with its alerting provider n8n, which posts a fixed JSON to any URL. It has no id and no time.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ triggered: "ALERT", resolved: "RECOVERY" });

export const gatus: Source = {
  name: "gatus",
  title: "Gatus (provider n8n)",
  documentation: "https://github.com/TwiN/gatus#configuring-n8n-alerts",
  payload: Type.Object({
    endpoint_name: Type.String(),
    endpoint_group: Type.Optional(Type.String()),
    resolved: Type.Boolean(),
  }),
  setup: {
    steps: [
      "In Gatus's configuration set alerting.n8n.webhook-url to this URL with the key as ?token=.",
      "Give the endpoints an alert of the type n8n with send-on-resolved: true.",
      "The provider custom can set headers: let it send the six fields to the fields source.",
    ],
    authentication: ["token_in_url"],
    on_failure: "It is not sent again.",
    unsure: [
      "It names no time: that of receipt counts, and an alert that is told again restarts nothing. The provider zapier, which names one, is read by gatus-zapier.",
    ],
  },
  recognise: ({ body }) => hasFields(body, "endpoint_name", "resolved", "condition_results"),
  read(payload) {
    const { body } = payload;
    const resolved = at(body, "resolved");
    const name = textAt(body, "endpoint_name");
    const group = textAt(body, "endpoint_group");
    const id = name === undefined || group === undefined ? name : `${group}/${name}`;
    return readingOf(payload, {
      incident_id: id,
      status: typeof resolved === "boolean" ? (resolved ? "resolved" : "triggered") : undefined,
      means: statuses,
      monitor_name: id,
      monitor_id: id,
      message: textAt(body, "message") ?? textAt(body, "alert_description"),
    });
  },
};
