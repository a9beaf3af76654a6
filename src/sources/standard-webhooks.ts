// Standard Webhooks: an envelope of type, timestamp and data, signed. What stands in the data is the sender's own: the
// ingest contract's fields are looked for.

import { Type } from "@sinclair/typebox";
import { envelopeElement } from "./envelope.ts";
import { groupReading, unrecognised } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { timeNumber, timeText } from "./tool-times.ts";

export const standardWebhooks: Source = {
  name: "standard-webhooks",
  title: "Standard Webhooks",
  documentation: "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
  payload: Type.Object({
    type: Type.String(),
    data: Type.Object({ incident_id: Type.Union([Type.String(), Type.Number()]) }),
  }),
  setup: {
    steps: [
      "Let the sender deliver to this URL, and give the key here the sender's signing secret (whsec_...).",
      "Put incident_id, status, monitor_name, monitor_id and message into data. Without status the type's last word tells it (opened, resolved and the like).",
      "The time is data.incident_time, else timestamp.",
    ],
    authentication: ["signature", "header", "bearer", "basic", "token_in_url"],
    on_failure: "The specification asks senders to try again for some days, with growing pauses.",
  },
  signature: "standard-webhooks",
  // Ids and times in the data are the sender's own, as those of the ingest contract are.
  exact: false,
  recognise: ({ headers, body }) =>
    hasFields(body, "type", "data") &&
    (hasFields(body, "timestamp") || headers["webhook-id"] !== undefined || headers["svix-id"] !== undefined),
  read(payload) {
    const { body, headers } = payload;
    if (!hasFields(body, "type", "data")) return unrecognised("type or data is missing");
    return groupReading([
      envelopeElement(payload, {
        type: textAt(body, "type"),
        time:
          timeText(at(body, "timestamp")) ??
          timeNumber(at(body, "timestamp"), "by_size") ??
          timeNumber(headers["webhook-timestamp"] ?? headers["svix-timestamp"], "s"),
        data: at(body, "data"),
      }),
    ]);
  },
};
