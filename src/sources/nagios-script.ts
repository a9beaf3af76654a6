// What a Nagios notification command sends with curl. Nagios has no webhook of its own; the setup text prints a command.

import { Type } from "@sinclair/typebox";
import { meaningOfNotice } from "./check-states.ts";
import { filled } from "./filled-text.ts";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const body = `{"host": "$HOSTNAME$", "service": "$SERVICEDESC$", "state": "$SERVICESTATE$", "type": "$NOTIFICATIONTYPE$", "number": "$SERVICENOTIFICATIONNUMBER$", "output": "$SERVICEOUTPUT$", "time": "$TIMET$"}`;

export const nagiosScript: Source = {
  name: "nagios-script",
  title: "Nagios (notification command)",
  documentation: "https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/notifications.html",
  payload: Type.Object({
    host: Type.Optional(Type.String()),
    service: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    state: Type.String(),
    type: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      `Define a notification command that runs curl with -H "X-API-Key: KEY", this URL and -d '${body}' (for hosts with $HOSTSTATE$, $HOSTNOTIFICATIONNUMBER$ and $HOSTOUTPUT$, without service).`,
      "Give the contacts this command for hosts and services, with recoveries among the notification options.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "Whatever the script does; curl --retry 5 sends it again.",
    unsure: [
      "Without the number a problem may be one that is sent again, so that it begins an outage only where none is open.",
      "Without $TIMET$ the time of receipt counts. Output with a double quote must be escaped by the script.",
    ],
  },
  recognise: ({ body: sent }) =>
    hasFields(sent, "host", "state", "output") && typeof at(sent, "host") === "string",
  read(payload) {
    const { body: sent } = payload;
    const type = filled(firstText(sent, "type", "notification_type"));
    const host = filled(textAt(sent, "host"));
    const service = filled(textAt(sent, "service"));
    const given = [at(sent, "time"), at(sent, "timestamp")];
    const time = given.map((one) => timeNumber(one, "s") ?? timeText(one)).find((one) => one !== undefined);
    const id = service === undefined || host === undefined ? host : `${host}!${service}`;
    const state = filled(textAt(sent, "state"));
    return readingOf(payload, {
      incident_id: id,
      status: state,
      means: meaningOfNotice({
        type,
        state,
        number: filled(firstText(sent, "number", "notification_number")),
      }),
      moment: time,
      monitor_name: service ?? host,
      monitor_id: id,
      message: filled(textAt(sent, "output")),
    });
  },
};
