// Pingdom's webhook, for uptime checks (UP, DOWN) and for transaction checks (SUCCESS, FAILING).

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeNumber, timeText } from "./tool-times.ts";

const statuses = statusTable({
  DOWN: "ALERT",
  FAILING: "ALERT",
  UP: "RECOVERY",
  SUCCESS: "RECOVERY",
  // Nobody watches any more: an open outage would stay open for ever.
  paused: "DISMISSAL",
});

export const pingdom: Source = {
  name: "pingdom",
  title: "Pingdom",
  documentation: "https://www.pingdom.com/resources/webhooks/",
  payload: Type.Object({
    check_id: Type.Union([Type.Number(), Type.String()]),
    check_name: Type.Optional(Type.String()),
    current_state: Type.String(),
    state_changed_timestamp: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    state_changed_utc_time: Type.Optional(Type.String()),
    long_description: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
  }),
  setup: {
    steps: [
      "Append the key to this URL as ?token=.",
      "Under Integrations, add an integration of type Webhook, give it a name, and paste the URL.",
      "Choose the integration in each check.",
    ],
    authentication: ["token_in_url"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: ["The whole body of a transaction check's webhook is not documented."],
  },
  recognise: ({ body }) => hasFields(body, "check_id", "current_state", "previous_state"),
  read(payload) {
    const { body } = payload;
    const check = textAt(payload.body, "check_id");
    const time =
      timeNumber(at(body, "state_changed_timestamp"), "s") ?? timeText(at(body, "state_changed_utc_time"));
    return readingOf(payload, {
      incident_id: check,
      status: textAt(body, "current_state"),
      means: statuses,
      moment: time,
      monitor_name: textAt(body, "check_name"),
      monitor_id: check,
      message: firstText(body, "long_description", "description"),
    });
  },
};
