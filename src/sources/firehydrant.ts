// FireHydrant's incidents. Every change of an incident sends it whole; its milestone says how far it is.

import { Type } from "@sinclair/typebox";
import type { Instant } from "../domain/instant.ts";
import { ignored, readingOf } from "./found-signal.ts";
import { at, fieldsOf, firstText, hasFields, listOf, textAt } from "./json-fields.ts";
import type { Source } from "./source.ts";
import { type Meaning, statusTable } from "./status-table.ts";
import { utcText } from "./utc-text.ts";

const afterwards: Meaning = { ignored: "the incident had ended before" };

const milestones = statusTable({
  started: "ALERT",
  detected: "ALERT",
  acknowledged: "ACKNOWLEDGEMENT",
  investigating: "ALERT",
  identified: "ALERT",
  mitigated: "neither",
  resolved: "RECOVERY",
  postmortem_started: afterwards,
  postmortem_completed: afterwards,
  retrospective_started: afterwards,
  retrospective_completed: afterwards,
  closed: afterwards,
});

export const firehydrant: Source = {
  name: "firehydrant",
  title: "FireHydrant",
  documentation: "https://docs.firehydrant.com/docs/webhooks",
  payload: Type.Object({
    data: Type.Object({ incident: Type.Object({ id: Type.String(), current_milestone: Type.String() }) }),
  }),
  setup: {
    steps: [
      "Under Settings, Webhooks, add a webhook with this URL and the key as ?token=, and subscribe it to Incidents.",
      "Give the webhook a secret, and the key here the same signing secret.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure: "Not documented in what was read.",
    unsure: [
      "Times are read from the incident's milestones (their type or slug and occurred_at), which the documentation's sample cuts short; without them a start is created_at and an end the time of receipt.",
      "Milestones that your organisation added are kept in the quarantine.",
    ],
  },
  signature: "firehydrant",
  recognise: ({ body }) =>
    (hasFields(at(body, "event"), "operation", "resource_type") && hasFields(body, "data")) ||
    hasFields(at(body, "data", "incident"), "current_milestone"),
  read(payload) {
    const resource = textAt(payload.body, "event", "resource_type");
    const incident = at(payload.body, "data", "incident");
    if (resource !== undefined && resource !== "incident") {
      return ignored(`a webhook about ${resource.slice(0, 60)}; only incidents are read here`, "other_event");
    }
    if (textAt(payload.body, "event", "operation")?.toUpperCase() === "DELETED") {
      return readingOf(payload, {
        incident_id: textAt(incident, "id"),
        status: "DELETED",
        means: "DISMISSAL",
        message: textAt(incident, "name"),
      });
    }
    const milestone = textAt(incident, "current_milestone");
    return readingOf(payload, {
      incident_id: textAt(incident, "id"),
      status: milestone,
      means: milestones,
      start:
        milestoneTime(incident, "started") ??
        utcText(at(incident, "started_at")) ??
        utcText(at(incident, "created_at")),
      end: milestoneTime(incident, "resolved"),
      moment: milestoneTime(incident, milestone),
      monitor_name: firstText(incident, "services.0.name", "severity.slug", "severity"),
      monitor_id: firstText(incident, "services.0.id"),
      message: textAt(incident, "name"),
    });
  },
};

function milestoneTime(incident: unknown, wanted: string | undefined): Instant | undefined {
  const found = listOf(at(incident, "milestones"))
    .map(fieldsOf)
    .find((milestone) => firstText(milestone, "type", "slug") === wanted);
  return wanted === undefined ? undefined : utcText(at(found, "occurred_at"));
}
