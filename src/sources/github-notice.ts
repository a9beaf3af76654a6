// What GitHub's webhooks of every kind have in common. Knows no event's own fields.

import { hasFields, textAt } from "./json-fields.ts";
import type { IgnoredCause, SourcePayload } from "./source.ts";

/** The event that GitHub names in its header, or the one whose field stands in the body. */
export function githubEvent({ headers, body }: SourcePayload): string | undefined {
  const named = headers["x-github-event"];
  if (named !== undefined) return named;
  if (hasFields(body, "zen", "hook_id")) return "ping";
  if (hasFields(body, "deployment_status")) return "deployment_status";
  if (hasFields(body, "comment")) return "issue_comment";
  return hasFields(body, "issue", "action") ? "issues" : undefined;
}

/** Why an event other than the wanted one is passed over. */
export const otherEvent = (event: string, wanted: string): string =>
  event === "ping"
    ? "GitHub's ping, sent when the webhook is created"
    : `the event ${event.slice(0, 60)}; only ${wanted} is read here`;

export const noticeCause = (event: string): IgnoredCause => (event === "ping" ? "test" : "other_event");

export const isFromGithub = (payload: SourcePayload): boolean =>
  payload.headers["x-github-event"] !== undefined ||
  (hasFields(payload.body, "repository", "sender") &&
    textAt(payload.body, "repository", "full_name") !== undefined);
