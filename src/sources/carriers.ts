// What carries a tool's webhook inside a message of its own, and what a carrier asks before it sends anything. Knows no
// tool.

import { at, listOf, textAt, unwrapped } from "./json-fields.ts";
import type { SourcePayload } from "./source.ts";

/** The webhook in a push message of Google Pub/Sub; any other payload as it is. */
export function withoutCarrier(payload: SourcePayload): SourcePayload {
  const data = at(payload.body, "message", "data");
  if (typeof data !== "string" || textAt(payload.body, "subscription") === undefined) return payload;
  const text = Buffer.from(data, "base64").toString("utf8");
  const body = unwrapped(text);
  return typeof body === "string" ? payload : { ...payload, body, text };
}

/** What Azure Event Grid wants to hear before it sends events to a URL. */
export function validationCodeOf({ body }: SourcePayload): string | undefined {
  const [event] = listOf(body);
  return textAt(event, "eventType") === "Microsoft.EventGrid.SubscriptionValidationEvent"
    ? textAt(event, "data", "validationCode")
    : undefined;
}

/** Parameters by which a URL tells a source how to read; alone they say nothing of an incident. */
const settings = ["repo_uuid", "label", "environment", "per"];

/** Whether nothing was sent: a tool, or whoever sets one up, looks whether the URL is there. */
export const isBareRequest = ({ text, query, headers }: SourcePayload): boolean =>
  text.trim() === "" &&
  headers["ce-type"] === undefined &&
  Object.keys(query).every((name) => settings.includes(name));
