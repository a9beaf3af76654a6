// CloudEvents 1.0 over HTTP: structured, in batches, and binary (attributes in ce- headers, the body is the data). What
// stands in the data is the sender's own: the ingest contract's fields are looked for.

import { Type } from "@sinclair/typebox";
import { envelopeElement } from "./envelope.ts";
import { type Element, groupReading, unrecognised } from "./found-signal.ts";
import { at, fieldsOf, hasFields, listOf, textAt, unwrapped } from "./json-fields.ts";
import type { Source, SourcePayload } from "./source.ts";
import { timeText } from "./tool-times.ts";

const event = Type.Object({
  specversion: Type.String(),
  type: Type.String(),
  source: Type.String(),
  id: Type.String(),
});

const isBinary = ({ headers }: SourcePayload): boolean => headers["ce-specversion"] !== undefined;
const isEvent = (value: unknown): boolean => hasFields(value, "specversion", "id", "source", "type");

export const cloudevents: Source = {
  name: "cloudevents",
  title: "CloudEvents 1.0",
  documentation:
    "https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md",
  payload: Type.Union([event, Type.Array(event), Type.Unknown()]),
  setup: {
    steps: [
      "Let the sender deliver to this URL: structured (application/cloudevents+json), in batches, or binary with ce- headers.",
      "Put incident_id, status, monitor_name, monitor_id and message into data. Without incident_id the subject, else the source, names the incident; without status the type's last word does (alert, opened, resolved, recovery and the like).",
      "The time is data.incident_time, else the attribute time.",
      "Send the key as X-API-Key, as a bearer token, or in the URL as ?token=.",
    ],
    authentication: ["header", "bearer", "basic", "token_in_url"],
    on_failure: "Whatever the sender does.",
  },
  // Ids and times in the data are the sender's own, as those of the ingest contract are.
  exact: false,
  recognise: (payload) =>
    isBinary(payload) ||
    /^application\/cloudevents/i.test(payload.headers["content-type"] ?? "") ||
    isEvent(payload.body) ||
    (Array.isArray(payload.body) && payload.body.length > 0 && payload.body.every(isEvent)),
  read(payload) {
    if (isBinary(payload)) return groupReading([binaryElement(payload)]);
    if (Array.isArray(payload.body)) {
      return groupReading(listOf(payload.body).map((one) => eventElement(payload, one, one)));
    }
    return groupReading([eventElement(payload, payload.body, undefined)]);
  },
};

function eventElement(payload: SourcePayload, one: unknown, element: unknown): Element {
  if (!isEvent(one)) return unrecognised("it is no CloudEvent: specversion, id, source or type is missing");
  const data = dataOf(one);
  return envelopeElement(payload, {
    type: textAt(one, "type"),
    time: timeText(at(one, "time")),
    data,
    subject: textAt(one, "subject") ?? textAt(one, "source"),
    element,
  });
}

function dataOf(one: unknown): unknown {
  const encoded = at(one, "data_base64");
  if (typeof encoded !== "string") return unwrapped(at(one, "data"));
  return unwrapped(Buffer.from(encoded, "base64").toString("utf8"));
}

function binaryElement(payload: SourcePayload): Element {
  const attribute = (name: string): string | undefined => decoded(payload.headers[`ce-${name}`]);
  const data = fieldsOf(payload.body) ?? payload.body;
  return envelopeElement(payload, {
    type: attribute("type"),
    time: timeText(attribute("time")),
    data,
    subject: attribute("subject") ?? attribute("source"),
  });
}

/** Attributes in headers are percent-encoded. */
function decoded(value: string | undefined): string | undefined {
  if (value === undefined || value.trim() === "") return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
