// The shapes of the native routes' requests and answers, one schema each.

import { Type as t } from "@sinclair/typebox";

export const redriveBody = t.Object(
  { source: t.Optional(t.String({ maxLength: 64, description: "a source's name, or auto" })) },
  {
    additionalProperties: false,
    description: "Empty for the source that was asked for first.",
    examples: [{ source: "auto" }],
  },
);
export const takenAnswer = t.Object({
  success: t.Literal(true),
  message: t.String(),
  source: t.String({ description: "Who read it; with auto, what it was taken for" }),
  incident_ids: t.Array(t.String()),
  recorded: t.Integer(),
  ignored: t.Integer(),
  quarantined: t.Integer(),
  quarantine_id: t.Optional(t.String()),
  reason: t.Optional(t.String({ description: "Why something was ignored or quarantined" })),
  durability: t.Union([t.Literal("stored"), t.Literal("spooled")], {
    description: "In the event store, or on this machine's disk on its way there",
  }),
  position: t.Optional(t.String({ description: "The greatest commit position, for min_position" })),
});
export const previewAnswer = t.Object({
  source: t.String(),
  outcome: t.String({ description: "signals, ignored or unrecognised" }),
  signals: t.Array(t.Unknown()),
  ignored: t.Array(t.Object({ reason: t.String() })),
  reason: t.Optional(t.String()),
});
export const sourceAnswer = t.Object({
  name: t.String(),
  title: t.String(),
  documentation: t.String(),
  url: t.String({ description: "The path to paste, behind the service's address" }),
  setup: t.Unknown(),
});
export const quarantineItem = t.Object({
  quarantine_id: t.String(),
  source: t.String(),
  reason: t.String(),
  received_at: t.String(),
});
