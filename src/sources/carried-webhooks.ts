// Services that hand on a tool's webhook inside a message of their own: Google Pub/Sub (push), Amazon SNS, Azure Event
// Grid and CloudEvents, alone or in batches. Knows the messages, no tool.

import { at, hasFields, textAt, unwrapped } from "./json-fields.ts";
import { verbatimText } from "./json-text.ts";
import type { IgnoredElement, Reading, SourcePayload, SourceSignal } from "./source.ts";

/** What the message carries, in order; undefined where it is no carrier's, or carries something other than JSON. */
export function carriedBy(payload: SourcePayload): readonly SourcePayload[] | undefined {
  const { body } = payload;
  const messages = Array.isArray(body) ? body : [body];
  if (messages.length === 0) return undefined;
  const carried = messages.map((message) => contentOf(message, payload));
  if (carried.some((content) => content === undefined)) return undefined;
  return carried.map((content) => ({ ...payload, ...content }));
}

type Content = Pick<SourcePayload, "body" | "text">;

function contentOf(message: unknown, whole: SourcePayload): Content | undefined {
  if (hasFields(message, "subscription") && hasFields(at(message, "message"), "data")) {
    return decoded(at(message, "message", "data"));
  }
  if (textAt(message, "Type") === "Notification" && hasFields(message, "TopicArn", "MessageId")) {
    return document(textAt(message, "Message"));
  }
  const isEventGrid = hasFields(message, "id", "eventType", "eventTime", "subject", "data");
  if (isEventGrid && !/^Microsoft\.EventGrid\./.test(textAt(message, "eventType") ?? "")) {
    return structure(at(message, "data"), whole);
  }
  if (hasFields(message, "specversion", "id", "source", "type")) {
    return structure(at(message, "data"), whole) ?? decoded(at(message, "data_base64"));
  }
  return undefined;
}

const decoded = (base64: unknown): Content | undefined =>
  typeof base64 === "string" ? document(Buffer.from(base64, "base64").toString("utf8")) : undefined;

/** A text that holds JSON; its digits are then those of the carried text. */
function document(text: string | undefined): Content | undefined {
  const body = unwrapped(text);
  return text !== undefined && typeof body === "object" && body !== null ? { body, text } : undefined;
}

/** A part of the message, with its own text as the carrier wrote it. */
const structure = (data: unknown, { body, text }: SourcePayload): Content | undefined =>
  typeof data === "object" && data !== null
    ? { body: data, text: verbatimText(data, body, text) ?? JSON.stringify(data) }
    : document(textAt({ data }, "data"));

/** The answer for a message that carries these; an unrecognised one makes the whole unrecognised. */
export function carriedReading(
  carried: readonly SourcePayload[],
  read: (payload: SourcePayload) => Reading,
): Reading {
  const signals: SourceSignal[] = [];
  const ignored: IgnoredElement[] = [];
  let leftOut = 0;
  for (const payload of carried) {
    const reading = read(payload);
    if (reading.tag === "unrecognised") return reading;
    if (reading.tag === "ignored") ignored.push({ reason: reading.reason, cause: reading.cause });
    else {
      ignored.push(...reading.ignored);
      leftOut += reading.left_out ?? 0;
      signals.push(
        ...reading.signals.map((signal) => (carried.length > 1 ? withEvidence(signal, payload) : signal)),
      );
    }
  }
  const [first] = ignored;
  if (signals.length > 0) {
    return { tag: "signals", signals, ignored, ...(leftOut === 0 ? {} : { left_out: leftOut }) };
  }
  return first === undefined
    ? { tag: "unrecognised", reason: "the message carries nothing" }
    : { tag: "ignored", ...first };
}

/** Where several webhooks share a message, each signal's evidence is its own webhook. */
const withEvidence = (signal: SourceSignal, { text }: SourcePayload): SourceSignal =>
  signal.payload === undefined ? { ...signal, payload: text } : signal;
