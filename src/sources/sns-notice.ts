// What SNS itself says to an endpoint, whatever is sent through the topic. Knows no sender.

import { ignored } from "./found-signal.ts";
import { textAt } from "./json-fields.ts";
import type { Reading, SourcePayload } from "./source.ts";

/** The answer to a confirmation of the subscription or of its end; undefined for everything else. */
export function snsNotice({ body, headers }: SourcePayload): Reading | undefined {
  switch (textAt(body, "Type") ?? headers["x-amz-sns-message-type"]) {
    case "SubscriptionConfirmation":
      return ignored(confirmationText(body), "handshake");
    case "UnsubscribeConfirmation":
      return ignored("the subscription has ended", "handshake");
    default:
      return undefined;
  }
}

function confirmationText(body: unknown): string {
  const url = textAt(body, "SubscribeURL");
  return url !== undefined &&
    url.length < 1_000 &&
    /^https:\/\/sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\//.test(url)
    ? `SNS asks to confirm the subscription: open ${url}`
    : "SNS asks to confirm the subscription";
}
