// Better Stack's (Better Uptime's) outgoing webhook for incidents.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const statuses = statusTable({
  started: "ALERT",
  resolved: "RECOVERY",
  acknowledged: "ACKNOWLEDGEMENT",
});

/** Webhooks about other things than incidents. */
const otherTypes = ["monitor", "heartbeat", "on_call", "on_call_calendar"];

export const betterstack: Source = {
  name: "betterstack",
  title: "Better Stack",
  documentation: "https://betterstack.com/docs/uptime/webhooks/",
  payload: Type.Object({
    event: Type.Optional(Type.String()),
    data: Type.Object({
      id: Type.Union([Type.String(), Type.Number()]),
      type: Type.Optional(Type.String()),
      attributes: Type.Object({
        name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        cause: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        started_at: Type.Optional(Type.String()),
        acknowledged_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        resolved_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    }),
  }),
  setup: {
    steps: [
      "Under Uptime, Integrations, Exporting data, add an outgoing webhook for incidents.",
      "Append the key to this URL as ?token= and paste it.",
      "Let it send when an incident starts and is resolved.",
    ],
    authentication: ["token_in_url", "basic"],
    on_failure: "Not documented: whether it retries is unknown.",
    unsure: [
      "Own headers and signatures are not documented.",
      "Where the body names no event, an incident with a resolved_at counts as resolved, one with an acknowledged_at as acknowledged.",
    ],
  },
  recognise: ({ body }) =>
    at(body, "data", "type") === "incident" &&
    (hasFields(at(body, "data", "relationships"), "monitor") ||
      hasFields(at(body, "data", "attributes"), "started_at", "cause")),
  read(payload) {
    const type = textAt(payload.body, "data", "type");
    if (type !== undefined && otherTypes.includes(type))
      return ignored(`a webhook about a ${type}`, "other_event");
    const attributes = at(payload.body, "data", "attributes");
    const status = textAt(payload.body, "event") ?? (type === "incident" ? stageOf(attributes) : undefined);
    const isTaken = status?.trim().toLowerCase() === "acknowledged";
    return readingOf(payload, {
      incident_id: textAt(payload.body, "data", "id"),
      status,
      means: statuses,
      start: timeText(at(attributes, "started_at")),
      end: timeText(at(attributes, "resolved_at")),
      moment: isTaken ? timeText(at(attributes, "acknowledged_at")) : undefined,
      monitor_name: textAt(attributes, "name"),
      monitor_id:
        textAt(payload.body, "data", "relationships", "monitor", "data", "id") ??
        textAt(payload.body, "data", "relationships", "heartbeat", "data", "id"),
      message: textAt(attributes, "cause"),
    });
  },
};

/** The newer form names no event: its times say how far the incident is. */
function stageOf(attributes: unknown): string | undefined {
  if (textAt(attributes, "resolved_at") !== undefined) return "resolved";
  if (textAt(attributes, "acknowledged_at") !== undefined) return "acknowledged";
  return textAt(attributes, "started_at") === undefined ? undefined : "started";
}
