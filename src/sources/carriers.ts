// What a carrier of webhooks asks before it sends anything. Knows no tool.

import { listOf, textAt } from "./json-fields.ts";
import type { SourcePayload } from "./source.ts";

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
