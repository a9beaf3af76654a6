// Graylog's HTTP notification. Every call is an event, told again while its condition holds; none says that it has ended.
// One definition may raise events for several keys (hosts, users): the key is part of the incident.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, fieldsOf, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeText } from "./tool-times.ts";

export const graylog: Source = {
  name: "graylog",
  title: "Graylog",
  documentation: "https://go2docs.graylog.org/current/interacting_with_your_log_data/alert_types.htm",
  payload: Type.Object({
    event_definition_id: Type.String(),
    event_definition_title: Type.Optional(Type.String()),
    event: Type.Object({ timestamp: Type.Optional(Type.String()) }),
  }),
  setup: {
    steps: [
      "Under Alerts, Notifications, create an HTTP Notification with this URL and the API key X-API-Key and the key as its secret (or the key as ?token=), and put the URL on the allow list.",
      "Add the notification to event definitions. Where a definition watches several hosts or users, give it event fields that are keys, so that each has an incident of its own.",
      "Graylog sends no recoveries. Let a second event definition, on the search for the all-clear, send the six fields to the fields source with status=up and incident_id as this source makes it: the first definition's id, and the key behind a slash.",
    ],
    authentication: ["header", "basic", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: ["Whether the version at hand can send a header; older ones can only put the key into the URL."],
  },
  recognise: ({ body }) => hasFields(body, "event_definition_id", "event_definition_type", "event"),
  read(payload) {
    const { body } = payload;
    if (
      /^(test-dummy|notification-test)/.test(
        firstText(body, "event_definition_type", "event.event_definition_type") ?? "",
      )
    ) {
      return ignored("a test of the notification", "test");
    }
    const definition = textAt(body, "event_definition_id");
    const key = textAt(body, "event", "key") ?? groupOf(at(body, "event", "group_by_fields"));
    return readingOf(payload, {
      incident_id: definition === undefined || key === undefined ? definition : `${definition}/${key}`,
      status: fieldsOf(at(body, "event")) === undefined ? undefined : "event",
      means: "REMINDER",
      moment: timeText(at(body, "event", "timestamp")),
      monitor_name: textAt(body, "event_definition_title"),
      monitor_id: definition,
      message: firstText(body, "event.message", "event_definition_description"),
    });
  },
};

/** The values that the definition groups by, in the order of their names. */
function groupOf(group: unknown): string | undefined {
  const fields = fieldsOf(group) ?? {};
  const values = Object.keys(fields)
    .sort()
    .flatMap((name) => textAt(fields, name) ?? []);
  return values.length === 0 ? undefined : values.join("|");
}
