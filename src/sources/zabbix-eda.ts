// Zabbix's media type "Event-Driven Ansible". It sends problems only; recoveries never come this way.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeNumber } from "./tool-times.ts";

/** Zabbix sends the state as a number; this is its own name for the only one that is sent. */
const problem = { number: "1", name: "PROBLEM" };

const idSchema = Type.Union([Type.Number(), Type.String()]);

export const zabbixEda: Source = {
  name: "zabbix-eda",
  title: "Zabbix Event-Driven Ansible",
  documentation: "https://www.zabbix.com/integrations/event_driven_ansible",
  payload: Type.Object({
    event_id: idSchema,
    event_value: idSchema,
    event_datetime_timestamp: Type.Optional(idSchema),
    event_name: Type.Optional(Type.String()),
    trigger_id: Type.Optional(idSchema),
    trigger_description: Type.Optional(Type.String()),
    operation_data: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Under Alerts, Media types, enable (or import) 'Event-Driven Ansible'.",
      "Give this URL's host as send_to and its path with ?token=<the key> as endpoint.",
      "Let a trigger action send problem operations. Use the source zabbix if you want recoveries too.",
    ],
    authentication: ["token_in_url"],
    on_failure: "It tries as often as the media type's Attempts say.",
    unsure: ["The script throws for recoveries, so outages are ended by another source or by hand."],
  },
  recognise: ({ body }) => hasFields(body, "event_nseverity", "event_datetime_timestamp", "trigger_id"),
  read(payload) {
    const { body } = payload;
    const value = textAt(body, "event_value");
    const isProblem = value === problem.number;
    return readingOf(payload, {
      incident_id: textAt(payload.body, "event_id"),
      status: isProblem ? problem.name : value,
      means: isProblem ? "ALERT" : undefined,
      start: timeNumber(at(body, "event_datetime_timestamp"), "s"),
      monitor_name: firstText(body, "event_name", "trigger_name"),
      monitor_id: textAt(payload.body, "trigger_id"),
      message: firstText(body, "trigger_description", "operation_data"),
    });
  },
};
