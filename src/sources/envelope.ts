// One event in an envelope that says its type, its time and its data, as CloudEvents and Standard Webhooks have it: the
// data are the ingest contract's fields as far as the sender gives them. Knows neither envelope.

import type { Instant } from "../domain/instant.ts";
import { meaningOfType } from "./envelope-status.ts";
import { type Element, ignored, kindOfMeaning, unrecognised } from "./found-signal.ts";
import { fieldsOf, textAt } from "./json-fields.ts";
import { sixFieldsElement, sixFieldsIn } from "./six-fields.ts";
import type { SourcePayload } from "./source.ts";

export interface Envelope {
  readonly type: string | undefined;
  readonly time: Instant | undefined;
  readonly data: unknown;
  /** The incident where the data name none. */
  readonly subject?: string | undefined;
  readonly element?: unknown;
}

export function envelopeElement(payload: SourcePayload, envelope: Envelope): Element {
  const data = fieldsOf(envelope.data) ?? {};
  const given = sixFieldsIn(data);
  const fields = {
    ...given,
    incident_id: given.incident_id ?? envelope.subject,
    monitor_id: given.monitor_id ?? envelope.subject,
    message: given.message ?? (typeof envelope.data === "string" ? textAt(envelope, "data") : undefined),
    envelope_time: envelope.time,
    element: envelope.element,
  };
  if (given.status !== undefined) return sixFieldsElement(payload, fields);
  if (envelope.type === undefined) return unrecognised("it names neither a status nor a type");
  const meaning = meaningOfType(envelope.type);
  if (meaning === undefined) {
    return unrecognised(
      `its data name no status, and its type ${JSON.stringify(envelope.type.slice(0, 60))} tells none`,
    );
  }
  if (typeof meaning !== "string") return ignored(meaning.ignored, meaning.cause);
  return sixFieldsElement(payload, {
    ...fields,
    status: envelope.type,
    kind: kindOfMeaning(meaning),
    reminder: meaning === "REMINDER",
  });
}
