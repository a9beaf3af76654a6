// What became of a webhook, of the contract's or of a tool's own, and what the quarantine holds.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, count, type Of, oneOf, orNull, position, text, time, uuid } from "./field.ts";
import { kind } from "./incidents.ts";

const durability = oneOf(["stored", "spooled"], {
  description: "In the event store, or on this machine's disk on its way there",
  examples: ["stored"],
});

/** Of one that only tested the connection: success, message and an empty incident_id. */
export const webhookAnswer = answerObject({
  success: t.Literal(true),
  message: text("Incident recorded successfully"),
  incident_id: text(example.incident_id),
  event_id: t.Optional(uuid(example.alert_event_id)),
  kind: t.Optional(kind),
  position: t.Optional(position(example.alert_position, "For min_position; absent where it is spooled")),
  durability: t.Optional(durability),
  repaired: t.Optional(
    t.Literal(true, {
      description: "Present where the body was broken JSON and was read all the same",
      examples: [],
    }),
  ),
});
export type WebhookAnswer = Of<typeof webhookAnswer>;

export const takenAnswer = answerObject({
  success: t.Literal(true),
  message: text("Incident recorded successfully"),
  source: text(example.source, "Who read it; with auto, what it was taken for"),
  incident_ids: t.Array(text(example.incident_id)),
  recorded: count(1),
  ignored: count(0),
  quarantined: count(0),
  left_out: t.Optional(
    t.Integer({ minimum: 1, description: "How many alerts the tool says that it left out of the group" }),
  ),
  repaired: t.Optional(
    t.Literal(true, {
      description: "Present where the body was broken JSON and was read all the same",
      examples: [],
    }),
  ),
  validationResponse: t.Optional(
    t.String({ description: "What Azure Event Grid wants to hear before it sends events" }),
  ),
  quarantine_id: t.Optional(t.String({ format: "uuid" })),
  reason: t.Optional(t.String({ description: "Why something was ignored or quarantined" })),
  durability,
  position: t.Optional(position(example.alert_position, "The greatest commit position, for min_position")),
});
export type TakenAnswer = Of<typeof takenAnswer>;

export const previewAnswer = answerObject({
  source: text(example.source),
  outcome: oneOf(["signals", "ignored", "unrecognised"]),
  signals: t.Array(
    answerObject({
      incident_id: text(example.incident_id),
      status: text("firing"),
      kind: t.Optional(kind),
      incident_time: t.String({
        format: "date-time",
        description: "As it would be recorded, with nanoseconds",
        examples: ["2025-01-15T10:30:00.000000000Z"],
      }),
      time_basis: oneOf(["incident_time", "received"], { description: "What incident_time rests on" }),
      exact: t.Optional(
        t.Boolean({ description: "Whether the sender names an alert and its end by one incident_id" }),
      ),
      reminder: t.Optional(
        t.Literal(true, {
          description: "Present where an alert may only be told again: it restarts nothing",
          examples: [],
        }),
      ),
      started_at: t.Optional(t.String({ description: "When a recovery says that its outage began" })),
      monitor_name: t.Optional(text(example.monitor_name)),
      monitor_id: t.Optional(t.String()),
      message: t.Optional(t.String()),
      local_time: t.Optional(t.String()),
      timezone: t.Optional(t.String()),
      payload: t.Optional(t.String({ description: "This signal's own part of a group, verbatim" })),
    }),
  ),
  ignored: t.Array(
    answerObject({
      reason: t.String({ examples: ["a test notification"] }),
      cause: oneOf(["test", "not_production", "maintenance", "handshake", "no_change", "other_event"], {
        examples: ["test"],
      }),
    }),
  ),
  reason: t.Optional(t.String()),
});
export type PreviewAnswer = Of<typeof previewAnswer>;

export const sourceAnswer = answerObject({
  name: text(example.source),
  title: text("Prometheus Alertmanager"),
  documentation: text("https://prometheus.io/docs/alerting/latest/configuration/#webhook_config"),
  url: text("/api/incidents/webhook/alertmanager", "The path to paste, behind the service's address"),
  setup: answerObject({
    steps: t.Array(text("Add a receiver with this URL to webhook_configs"), {
      description: "Where in the tool to paste the URL",
    }),
    authentication: t.Array(oneOf(["header", "bearer", "basic", "token_in_url", "signature"]), {
      description: "The ways this tool can authenticate, the best one first",
    }),
    on_failure: text("It sends again for a while", "What the tool does when a delivery fails"),
    unsure: t.Optional(
      t.Array(text("whether it sends again after a 500"), {
        description: "What could not be confirmed from the vendor's documentation",
      }),
    ),
  }),
});
export type SourceAnswer = Of<typeof sourceAnswer>;

export const quarantineItemAnswer = answerObject({
  quarantine_id: uuid(example.quarantine_id),
  source: text(example.source, "The source that was asked for, or auto, or contract"),
  reason: text("alerts is missing"),
  answer: orNull(
    answerObject(
      {
        status: t.Integer({ minimum: 400, examples: [400] }),
        error: text("Invalid webhook"),
        details: text("incident_time is missing."),
      },
      { description: "The error that the sender was answered; null where that was a 200" },
    ),
  ),
  received_at: time(example.received_at),
  content_type: orNull(text("application/json")),
  headers: t.Record(t.String(), t.String(), {
    description: "Those that a source may look at, never a key",
    examples: [{ "user-agent": "Alertmanager/0.28" }],
  }),
  query: t.Record(t.String(), t.String(), {
    description: "Without the token",
    examples: [{}],
  }),
  payload: orNull(text('{"status":"firing"}', "As it came; null where its bytes are no text")),
  payload_base64: orNull(t.String({ description: "The bytes that are no text; else null" })),
  signature: orNull(
    text("none", "The scheme that was verified; none where the key asks for none, null where none was kept"),
  ),
  state: oneOf(["waiting", "recorded", "ignored", "unrecognised"], {
    description: "waiting, or what became of it when it was read again for the last time",
    examples: ["unrecognised"],
  }),
  redriven: orNull(
    answerObject({
      source: text(example.source, "The source that read it"),
      incident_ids: t.Array(t.String(), { examples: [[]] }),
      ignored: count(0, "How many elements of a group the source ignored"),
      reason: t.Optional(text("alerts is missing")),
      redriven_at: time("2025-01-16T08:00:00.000Z"),
    }),
  ),
});
export type QuarantineItem = Of<typeof quarantineItemAnswer>;

/** Of a payload that was recorded before: success, outcome, source and incident_ids. */
export const redriveAnswer = answerObject({
  success: t.Literal(true),
  outcome: oneOf(["recorded", "ignored", "unrecognised"]),
  source: text(example.source, "The source that read it"),
  incident_ids: t.Array(text(example.incident_id)),
  project_uuid: t.Optional(uuid(example.project_uuid)),
  quarantine_id: t.Optional(uuid(example.quarantine_id)),
  ignored: t.Optional(count(0, "How many elements of a group the source ignored")),
  reason: t.Optional(t.String({ description: "Why it is still not recorded" })),
  redriven_at: t.Optional(time("2025-01-16T08:00:00.000Z")),
  key_id: t.Optional(text(example.key_id, "The key it was asked for with; admin for the admin key")),
});
export type RedriveAnswer = Of<typeof redriveAnswer>;
