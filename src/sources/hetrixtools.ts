// HetrixTools' uptime webhook.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, fieldsOf, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber } from "./tool-times.ts";

const statuses = statusTable({ offline: "ALERT", online: "RECOVERY" });

export const hetrixtools: Source = {
  name: "hetrixtools",
  title: "HetrixTools",
  documentation: "https://docs.hetrixtools.com/webhook-uptime-monitoring-notifications/",
  payload: Type.Object({
    monitor_id: Type.Union([Type.String(), Type.Number()]),
    monitor_status: Type.String(),
  }),
  setup: {
    steps: [
      "In Contact Lists edit the list and paste this URL with the key as ?token= as its Webhook URL.",
      "Choose this contact list in the uptime monitors.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
    unsure: ["Whether it can send headers: its documentation shows only a URL."],
  },
  recognise: ({ body }) => hasFields(body, "monitor_status", "monitor_target"),
  read(payload) {
    const { body } = payload;
    const id = textAt(payload.body, "monitor_id");
    const time = timeNumber(at(body, "timestamp"), "s");
    return readingOf(payload, {
      incident_id: id,
      status: textAt(body, "monitor_status"),
      means: statuses,
      moment: time,
      monitor_name: firstText(body, "monitor_name", "monitor_target"),
      monitor_id: id,
      message: errorsIn(at(body, "monitor_errors")),
    });
  },
};

/** `{"London": "timeout", "Paris": "http 503"}` as one line; a text as it is. */
function errorsIn(errors: unknown): string | undefined {
  const named = fieldsOf(errors);
  if (named === undefined) return textAt({ errors }, "errors");
  const lines = Object.keys(named).flatMap((place) => {
    const error = textAt(named, place);
    return error === undefined ? [] : [`${place}: ${error}`];
  });
  return lines.length === 0 ? undefined : lines.join("; ");
}
