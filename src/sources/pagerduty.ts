// PagerDuty's webhooks, version 3. Only the event's type decides: an incident's status field lags and says less.

import { Type } from "@sinclair/typebox";
import { readingOf } from "./found-signal.ts";
import { at, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, meaningOf, statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const stillOpen: Meaning = { ignored: "the incident neither began nor ended" };

const statuses = statusTable({
  "incident.triggered": "ALERT",
  "incident.reopened": "ALERT",
  "incident.resolved": "RECOVERY",
  "incident.acknowledged": "ACKNOWLEDGEMENT",
  "incident.unacknowledged": stillOpen,
  "incident.annotated": stillOpen,
  "incident.delegated": stillOpen,
  "incident.escalated": stillOpen,
  "incident.priority_updated": stillOpen,
  "incident.reassigned": stillOpen,
  "incident.service_updated": stillOpen,
  "incident.status_update_published": stillOpen,
  "incident.custom_field_values.updated": stillOpen,
  "incident.conference_bridge.updated": stillOpen,
  "incident.incident_type.changed": stillOpen,
  "incident.role.assigned": stillOpen,
  "pagey.ping": { ignored: "a test of the webhook", cause: "test" },
});

/** Families of events of which no member begins or ends an incident. */
const neutralFamilies = /^(incident\.(responder|task|action_invocation|workflow)\.|service\.)[a-z_.]{1,60}$/;

export const pagerduty: Source = {
  name: "pagerduty",
  title: "PagerDuty",
  documentation: "https://developer.pagerduty.com/docs/webhooks-overview",
  payload: Type.Object({
    event: Type.Object({
      event_type: Type.String(),
      occurred_at: Type.String(),
      data: Type.Object({
        id: Type.String(),
        title: Type.Optional(Type.String()),
        service: Type.Optional(Type.Object({ id: Type.String(), summary: Type.Optional(Type.String()) })),
      }),
    }),
  }),
  setup: {
    steps: [
      "Under Integrations, Generic Webhooks (v3), add a webhook and paste this URL.",
      "Subscribe at least to incident.triggered, incident.reopened, incident.acknowledged and incident.resolved; others are ignored.",
      "Add a custom header X-API-Key with the key.",
      "Give the webhook's signing secret to the key here as a signing secret: then only what PagerDuty signed is taken.",
    ],
    authentication: ["header", "signature", "basic"],
    on_failure:
      "It waits 5 seconds. Timeouts, 429 and 5xx are retried for up to 48 hours, other 4xx are dropped; three drops in a row switch the webhook off for 24 hours.",
    unsure: [
      "That an incident that was merged into another names it in resolve_reason, of the type merge_resolve_reason: it then ended without a recovery.",
    ],
  },
  signature: "pagerduty",
  recognise: ({ headers, body }) =>
    headers["x-pagerduty-signature"] !== undefined ||
    headers["user-agent"]?.startsWith("PagerDuty-Webhook/") === true ||
    hasFields(at(body, "event"), "event_type", "resource_type"),
  read(payload) {
    const event = at(payload.body, "event");
    const type = textAt(event, "event_type");
    const time = timeText(at(event, "occurred_at"));
    return readingOf(payload, {
      incident_id: textAt(event, "data", "id"),
      status: type,
      means: isMerged(event, type) ? "DISMISSAL" : meaningOfType(type ?? ""),
      start: isEnd(type) ? timeText(at(event, "data", "created_at")) : undefined,
      moment: time,
      monitor_name: textAt(event, "data", "service", "summary"),
      monitor_id: textAt(event, "data", "service", "id"),
      message: textAt(event, "data", "title"),
    });
  },
};

const isEnd = (type: string | undefined): boolean => type?.trim().toLowerCase() === "incident.resolved";

/** An incident that was merged into another is resolved at that moment, whatever has become of its trouble. */
const isMerged = (event: unknown, type: string | undefined): boolean =>
  isEnd(type) && textAt(event, "data", "resolve_reason", "type") === "merge_resolve_reason";

const meaningOfType = (type: string): Meaning | undefined =>
  meaningOf(statuses, type) ?? (neutralFamilies.test(type) ? stillOpen : undefined);
