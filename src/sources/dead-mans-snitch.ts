// Dead Man's Snitch's webhooks. A snitch that reports for the first time has recovered from nothing.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const types = statusTable({
  "snitch.missing": "ALERT",
  "snitch.errored": "ALERT",
  "snitch.reporting": "RECOVERY",
});

export const deadMansSnitch: Source = {
  name: "dead-mans-snitch",
  title: "Dead Man's Snitch",
  documentation: "https://deadmanssnitch.com/docs/integrations/webhooks",
  payload: Type.Object({
    type: Type.String(),
    timestamp: Type.Optional(Type.String()),
    data: Type.Object({ snitch: Type.Object({ token: Type.String() }) }),
  }),
  setup: {
    steps: ["Under Integrations add a Webhook with this URL and the key as ?token=."],
    authentication: ["token_in_url", "basic"],
    on_failure: "A webhook that is not answered with success is sent again; how often is not documented.",
  },
  recognise: ({ body }) =>
    textAt(body, "type")?.startsWith("snitch.") === true && hasFields(at(body, "data", "snitch"), "token"),
  read(payload) {
    const { body } = payload;
    const snitch = at(body, "data", "snitch");
    if (textAt(snitch, "previous_status") === "pending" && textAt(body, "type") === "snitch.reporting") {
      return ignored("a new snitch reports for the first time");
    }
    return readingOf(payload, {
      incident_id: textAt(snitch, "token"),
      status: textAt(body, "type"),
      means: types,
      reminder: /^(missing|errored)$/.test(textAt(snitch, "previous_status") ?? ""),
      moment: timeText(at(body, "timestamp")),
      monitor_name: textAt(snitch, "name"),
      monitor_id: textAt(snitch, "token"),
      message: textAt(snitch, "notes"),
    });
  },
};
