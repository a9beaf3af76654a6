// Rootly's incidents. The event decides; an incident that is mitigated is not yet resolved.

import { Type } from "@sinclair/typebox";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const events = statusTable({
  "incident.created": "ALERT",
  "incident.updated": { ignored: "the incident was neither opened nor ended" },
  "incident.mitigated": "neither",
  "incident.resolved": "RECOVERY",
  "incident.cancelled": "DISMISSAL",
  "incident.deleted": "DISMISSAL",
});

export const rootly: Source = {
  name: "rootly",
  title: "Rootly",
  documentation: "https://docs.rootly.com/configuration/webhooks",
  payload: Type.Object({
    event: Type.Object({ type: Type.String() }),
    data: Type.Object({ id: Type.String(), title: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  }),
  setup: {
    steps: [
      "Under Settings, Webhooks, create a webhook with this URL and the key as ?token= (or as a custom header X-API-Key).",
      "Choose the events incident.created, mitigated, resolved, cancelled and deleted.",
      "Give the webhook's secret to the key here as a signing secret.",
    ],
    authentication: ["header", "token_in_url", "signature"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "The signature covers the timestamp and the body without anything between them, as the documentation says; other readers of it expect a full stop there.",
      "Test incidents are told by the kind test or example, which the API documents and the webhook's page does not.",
    ],
  },
  signature: "rootly",
  recognise: ({ body }) =>
    /^(incident|alert|pulse|genius_workflow_run)[a-z_]*\./.test(textAt(body, "event", "type") ?? "") &&
    hasFields(at(body, "event"), "issued_at") &&
    hasFields(at(body, "data"), "id"),
  read(payload) {
    const { body } = payload;
    const event = textAt(body, "event", "type");
    if (event === undefined) return unrecognised("it names no event");
    if (event.startsWith("incident.scheduled."))
      return ignored("planned maintenance, no incident", "maintenance");
    if (!event.startsWith("incident.")) {
      return ignored(`the event ${event.slice(0, 60)}; only those of incidents are read here`, "other_event");
    }
    const data = at(body, "data");
    if (/^(test|example)/.test(textAt(data, "kind") ?? "")) return ignored("a test incident", "test");
    const issued = timeText(at(body, "event", "issued_at"));
    return readingOf(payload, {
      incident_id: textAt(data, "id"),
      status: event,
      means: events,
      start: timeText(at(data, "started_at")) ?? timeText(at(data, "created_at")),
      end: timeText(at(data, event === "incident.cancelled" ? "cancelled_at" : "resolved_at")) ?? issued,
      moment: issued,
      monitor_name: firstText(data, "services.0.name", "severity.name"),
      monitor_id: firstText(data, "services.0.id"),
      message: firstText(data, "title", "summary"),
    });
  },
};
