// What an Icinga 2 notification script sends: the check's result with its host and service, times in Unix seconds with a
// fraction, as text. Icinga 2 itself has no webhook.

import { Type } from "@sinclair/typebox";
import { meaningOfNotice } from "./check-states.ts";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeNumber } from "./tool-times.ts";

export const icinga2Script: Source = {
  name: "icinga2-script",
  title: "Icinga 2 (notification script)",
  documentation: "https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#notifications",
  payload: Type.Object({
    host: Type.Object({ name: Type.String() }),
    service: Type.Optional(Type.Union([Type.Object({ name: Type.Optional(Type.String()) }), Type.Null()])),
    check_result: Type.Object({ state: Type.String() }),
  }),
  setup: {
    steps: [
      'Write a NotificationCommand that posts {"host": {"name": ...}, "service": {"name": ...}, "check_result": {"state": ..., "output": ..., "execution_end": ...}, "notification_type": ..., "notification_number": ...} to this URL, with the key in X-API-Key.',
      "Fill them from host.name, service.name, service.state, service.output, service.last_check, notification.type and notification.notification_number; leave service out for hosts.",
      "Apply a Notification with this command to hosts and services, for the types Problem and Recovery.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "Whatever the script does.",
    unsure: [
      "The body is a script's, not Icinga's own.",
      "Without notification_number a problem may be one that is sent again, so that it begins an outage only where none is open.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(at(body, "check_result"), "state") && hasFields(at(body, "host"), "name"),
  read(payload) {
    const { body } = payload;
    const host = filled(textAt(body, "host", "name"));
    const service = filled(textAt(body, "service", "name"));
    const id = service === undefined || host === undefined ? host : `${host}!${service}`;
    const time =
      timeNumber(at(body, "check_result", "execution_end"), "s") ??
      timeNumber(at(body, "check_result", "execution_start"), "s");
    const state = filled(textAt(body, "check_result", "state"));
    return readingOf(payload, {
      incident_id: id,
      status: state,
      means: meaningOfNotice({
        type: firstText(body, "notification_type", "notification.type", "type"),
        state,
        number: filled(firstText(body, "notification_number", "notification.number")),
      }),
      moment: time,
      monitor_name: service ?? host,
      monitor_id: id,
      message: filled(textAt(body, "check_result", "output")),
    });
  },
};
