// updown.io's webhooks: a list of events.

import { Type } from "@sinclair/typebox";
import { type Element, elementOf, groupReading } from "./found-signal.ts";
import { at, firstText, listOf, textAt } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const notice: Meaning = { ignored: "a notice about a certificate or the speed", cause: "other_event" };

const events = statusTable({
  "check.down": "ALERT",
  "check.still_down": "REMINDER",
  "check.up": "RECOVERY",
  "check.ssl_invalid": notice,
  "check.ssl_valid": notice,
  "check.ssl_expiration": notice,
  "check.ssl_renewed": notice,
  "check.performance_drop": notice,
});

export const updown: Source = {
  name: "updown",
  title: "updown.io",
  documentation: "https://updown.io/api#webhooks",
  payload: Type.Array(
    Type.Object({ event: Type.String(), check: Type.Object({ token: Type.Optional(Type.String()) }) }),
  ),
  setup: {
    steps: [
      "In Settings, Recipients, add a webhook with this URL and the key as ?token=, and choose it in the checks.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented in what was read.",
  },
  recognise: ({ body }) =>
    Array.isArray(body) &&
    body.length > 0 &&
    body.every(
      (one) => textAt(one, "event")?.startsWith("check.") === true && at(one, "check") !== undefined,
    ),
  read(payload) {
    const events = listOf(payload.body);
    return groupReading(events.map((event) => eventElement(payload, event, events.length > 1)));
  },
};

const eventElement = (payload: SourcePayload, event: unknown, isGrouped: boolean): Element =>
  elementOf(payload, {
    incident_id: textAt(event, "check", "token"),
    status: textAt(event, "event"),
    means: events,
    start: timeText(at(event, "downtime", "started_at")),
    end: timeText(at(event, "downtime", "ended_at")),
    moment: timeText(at(event, "time")),
    monitor_name: firstText(event, "check.alias", "check.url"),
    monitor_id: textAt(event, "check", "token"),
    message: firstText(event, "description", "downtime.error"),
    element: isGrouped ? event : undefined,
  });
