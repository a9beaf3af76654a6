// Activity of each source, and the unknown status words, as clients depend on them.

import { Type as t } from "@sinclair/typebox";
import { example } from "./example-incident.ts";
import { answerObject, count, type Of, oneOf, orNull, text, time, uuid } from "./field.ts";
import { mappedKinds } from "./registry.ts";

export const sourceActivityAnswer = answerObject({
  source: text(example.source, "The source's name; contract; or auto, for what no source recognised"),
  last_seen: time(example.received_at),
  recorded: count(12, "Signals that were recorded"),
  ignored: answerObject(
    {
      test: count(1),
      not_production: count(0),
      maintenance: count(0),
      no_change: count(0, "What neither begins nor ends an incident, nor takes one on"),
      other_event: count(0),
    },
    { description: "Webhooks, or elements of them, by why they were ignored" },
  ),
  quarantined: count(0, "Payloads that were quarantined, each once"),
});
export type SourceActivity = Of<typeof sourceActivityAnswer>;

export const unknownStatusAnswer = answerObject({
  status: text("DEGRADED", "The word as status mappings name it: upper case, without what decorates it"),
  count: count(3, "Webhooks that were recorded with it, and quarantined payloads that wait for it"),
  recorded: count(2),
  quarantined: count(1),
  first_seen: time(example.received_at),
  last_seen: time(example.received_at),
  example: answerObject(
    {
      status: text("Degraded", "As it came"),
      source: text(example.source),
      incident_id: orNull(text(example.incident_id)),
      event_id: orNull(uuid(example.alert_event_id)),
      quarantine_id: orNull(t.String({ format: "uuid" })),
    },
    { description: "One of those that came last: a recorded event, or else a quarantined payload" },
  ),
  suggestion: orNull(
    answerObject(
      { kind: oneOf(mappedKinds), similar_to: text("DEGRADED") },
      { description: "The kind of the known word that it is most like; null where it is like none" },
    ),
  ),
});
export type UnknownStatus = Of<typeof unknownStatusAnswer>;
