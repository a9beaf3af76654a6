// incident.io's incidents. The status's category decides: its name is the organisation's own. A webhook carries its data
// under the event's name.

import { Type } from "@sinclair/typebox";
import type { Instant } from "../domain/instant.ts";
import { ignored, readingOf, unrecognised } from "./found-signal.ts";
import { at, firstText, hasFields, textAt } from "./json-fields.ts";
import type { Reading, Source, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const categories = statusTable({
  triage: "ALERT",
  live: "ALERT",
  paused: "neither",
  learning: "RECOVERY",
  closed: "RECOVERY",
  declined: "DISMISSAL",
  merged: "DISMISSAL",
  canceled: "DISMISSAL",
});

const ended = ["learning", "closed"];

export const incidentIo: Source = {
  name: "incident-io",
  title: "incident.io",
  documentation: "https://api-docs.incident.io/tag/Webhooks",
  payload: Type.Object({ event_type: Type.String() }),
  setup: {
    steps: [
      "Under Settings, Webhooks, add an endpoint with this URL and the key as ?token=.",
      "Choose the events public_incident.incident_created_v2 and public_incident.incident_status_updated_v2; others are ignored.",
      "Give the endpoint's signing secret (whsec_...) to the key here as a signing secret.",
    ],
    authentication: ["token_in_url", "basic", "signature"],
    on_failure:
      "It tries again with growing pauses for 24 hours; after five days of failures the endpoint is disabled.",
    unsure: [
      "An incident begins when it was created: timestamps that your organisation added (Impact started and the like) are not read.",
      "The end is the incident's updated_at at the change of its status.",
      "Of private incidents only the id is sent, so that they cannot be recorded.",
    ],
  },
  signature: "standard-webhooks",
  recognise: ({ body }) => {
    const event = textAt(body, "event_type");
    return event !== undefined && /^(public|private)_[a-z]+\./.test(event) && hasFields(body, event);
  },
  read(payload) {
    const event = textAt(payload.body, "event_type");
    if (event === undefined) return unrecognised("it names no event_type");
    if (/^private_/.test(event)) {
      return ignored("an event of a private incident, of which only the id is sent", "other_event");
    }
    switch (event.replace(/_v\d+$/, "")) {
      case "public_incident.incident_created":
        return incidentReading(payload, { incident: at(payload.body, event) });
      case "public_incident.incident_status_updated": {
        const change = at(payload.body, event);
        return incidentReading(payload, {
          incident: at(change, "incident"),
          before: textAt(change, "previous_status", "category"),
          now: textAt(change, "new_status", "category"),
        });
      }
      default:
        return ignored(
          `the event ${event.slice(0, 80)}; only an incident's status is read here`,
          "other_event",
        );
    }
  },
};

interface Change {
  readonly incident: unknown;
  readonly before?: string | undefined;
  readonly now?: string | undefined;
}

function incidentReading(payload: SourcePayload, { incident, before, now }: Change): Reading {
  const mode = textAt(incident, "mode");
  if (mode === "test" || mode === "tutorial") return ignored(`an incident of the mode ${mode}`, "test");
  const category = now ?? textAt(incident, "incident_status", "category");
  if (before !== undefined && category !== undefined && ended.includes(before) && ended.includes(category)) {
    return ignored("the incident had ended before");
  }
  const updated = timeText(at(incident, "updated_at"));
  return readingOf(payload, {
    incident_id: textAt(incident, "id"),
    status: category,
    means: categories,
    start: before !== undefined && ended.includes(before) ? updated : createdAt(incident),
    end: updated,
    moment: updated,
    monitor_name: firstText(incident, "incident_type.name", "severity.name"),
    monitor_id: textAt(incident, "incident_type", "id"),
    message: firstText(incident, "name", "reference"),
  });
}

const createdAt = (incident: unknown): Instant | undefined => timeText(at(incident, "created_at"));
