// What those who run the service, or audit it, are answered: health, metrics, dead letters, replay, the documentation.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, count, type Of, oneOf, orNull, position, text, time, uuid } from "./field.ts";

export const liveAnswer = answerObject({
  live: t.Literal(true),
  version: text("0.1.0"),
});
export type LiveAnswer = Of<typeof liveAnswer>;

export const readyAnswer = answerObject({
  ready: t.Boolean({ examples: [true] }),
  dependencies: t.Record(t.String(), answerObject({ ok: t.Boolean(), detail: t.String() }), {
    examples: [{ postgres: { ok: true, detail: "ok" } }],
  }),
});
export type ReadyAnswer = Of<typeof readyAnswer>;

export const ingestAnswer = answerObject({
  takes_webhooks: t.Boolean({ examples: [true] }),
  detail: text("ok"),
});
export type IngestAnswer = Of<typeof ingestAnswer>;

export const deadLetterAnswer = answerObject({
  position: position("4712"),
  event_id: text(example.recovery_event_id),
  stream: text(`incident-${example.project_uuid}.${example.incident_id}`),
  type: text("IncidentSignalRecorded"),
  reason: text("incident_time is missing or no text"),
});
export type DeadLetterItem = Of<typeof deadLetterAnswer>;

export const redrivenAnswer = answerObject({
  position: position("4712"),
  outcome: oneOf(["applied", "failing", "waiting"]),
  reason: orNull(t.String({ description: "Why it is still a dead letter" })),
});
export type RedrivenAnswer = Of<typeof redrivenAnswer>;

export const allRedrivenAnswer = answerObject({
  applied: count(12),
  failing: count(1),
  waiting: count(0),
});
export type AllRedriven = Of<typeof allRedrivenAnswer>;

/** Events are shown as they lie in the event store, those of later versions too: their own fields are open. */
export const replayLineAnswer = answerObject(
  {
    event_id: uuid(example.alert_event_id),
    type: text("IncidentSignalRecorded"),
    stream: text(`incident-${example.project_uuid}.${example.incident_id}`),
    revision: position("0"),
    position: position(example.alert_position),
    recorded_at: time("2025-01-15T10:30:01.260Z"),
    data: t.Unknown({
      examples: [
        {
          project_uuid: example.project_uuid,
          incident_id: example.incident_id,
          status: "DOWN",
          incident_time: "2025-01-15T10:30:00.000000000Z",
        },
      ],
    }),
    metadata: t.Record(t.String(), t.Unknown(), {
      examples: [
        { source: "contract", received_at: "2025-01-15T10:30:01.250000000Z", key_id: example.key_id },
      ],
    }),
  },
  { description: "One line" },
);
export type ReplayLine = Of<typeof replayLineAnswer>;

export const metricsAnswer = t.String({ examples: ["ledger_spooled_webhooks 0\n"] });

export const docsPageAnswer = t.String({ examples: ["<!doctype html>"] });
export const docsFileAnswer = t.String({ examples: ["/* Swagger UI */"] });
/** The document that describes it is OpenAPI's, not this one. */
export const openApiAnswer = t.Record(t.String(), t.Unknown(), {
  description: "An OpenAPI 3.0 document",
  examples: [{ openapi: "3.0.3" }],
});
