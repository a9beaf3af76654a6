// Honeycomb's triggers and burn alerts with the webhook's standard payload. It names no time, so that of receipt counts.
// A trigger alerts and recovers as a whole, whatever groups of its query crossed the threshold.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";

const statuses = statusTable({ TRIGGERED: "ALERT", OK: "RECOVERY", RESOLVED: "RECOVERY" });

export const honeycomb: Source = {
  name: "honeycomb",
  title: "Honeycomb",
  documentation: "https://docs.honeycomb.io/notify/webhooks/example-templates",
  payload: Type.Object({ id: Type.String(), status: Type.String(), name: Type.Optional(Type.String()) }),
  setup: {
    steps: [
      "Under Team settings, Integrations, add a Webhook with this URL and the key as ?token=, or with a header X-API-Key. Leave its shared secret empty: Honeycomb writes it into every body, which is kept.",
      "Add the webhook to the recipients of triggers and burn alerts.",
    ],
    authentication: ["header", "token_in_url"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "A trigger that alerts every time (on_true) is told again until it is OK; that restarts no clock.",
    ],
  },
  recognise: ({ body }) =>
    hasFields(body, "version", "id", "name", "status") &&
    (hasFields(body, "trigger_url") || hasFields(body, "result_url") || hasFields(body, "slo_url")),
  read(payload) {
    const { body } = payload;
    if (at(body, "is_test") === true) return ignored("a test of the recipient", "test");
    const id = textAt(body, "id");
    return readingOf(payload, {
      incident_id: id,
      status: textAt(body, "status"),
      means: statuses,
      monitor_name: textAt(body, "name"),
      monitor_id: id,
      message: firstText(body, "description", "summary", "trigger_description"),
    });
  },
};
