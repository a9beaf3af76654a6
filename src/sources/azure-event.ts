// Alerts of Azure Monitor that tell of an event: whatever becomes of it, monitorCondition says Fired, so that the state,
// the times and the identity are those of the kind's own fields. Reads nothing else of the common alert schema.

import { ignored, readingOf } from "./found-signal.ts";
import { at, firstText, textAt } from "./json-fields.ts";
import type { Reading, SourcePayload } from "./source.ts";
import { statusTable } from "./status-table.ts";
import { timeText } from "./tool-times.ts";

const maintenance = { ignored: "planned maintenance, no incident", cause: "maintenance" } as const;

const stages = statusTable({
  Active: "ALERT",
  InProgress: "REMINDER",
  Updated: "REMINDER",
  Resolved: "RECOVERY",
  Complete: "RECOVERY",
  Canceled: "DISMISSAL",
  Planned: maintenance,
  RCA: { ignored: "a report on an issue that has ended" },
});

/** A resource's health: without a word of it (Unknown) nothing is known to have changed. */
const healths = statusTable({
  Unavailable: "ALERT",
  Degraded: "ALERT",
  Available: "RECOVERY",
  Unknown: "neither",
});

/** Undefined for alerts that fire and are resolved (metrics, logs, Prometheus and the like). */
export function azureEventOf(payload: SourcePayload, essentials: unknown): Reading | undefined {
  const service = textAt(essentials, "monitoringService")?.replace(/[\s-]/g, "").toLowerCase() ?? "";
  if (service === "servicehealth") return serviceHealth(payload, essentials);
  if (service === "resourcehealth") return resourceHealth(payload, essentials);
  const tellsOnly = service.startsWith("activitylog") || service === "costalerts";
  return tellsOnly ? happening(payload, essentials) : undefined;
}

function serviceHealth(payload: SourcePayload, essentials: unknown): Reading {
  const context = at(payload.body, "data", "alertContext");
  const properties = at(context, "properties");
  const type = textAt(properties, "incidentType") ?? "Incident";
  if (/maintenance/i.test(type)) return ignored(maintenance.ignored, maintenance.cause);
  if (!/^incident$/i.test(type)) return ignored(`Service Health's ${type.slice(0, 40)}, no incident`);
  return readingOf(payload, {
    incident_id: textAt(properties, "trackingId") ?? textAt(essentials, "alertId"),
    status: textAt(properties, "stage") ?? textAt(context, "status"),
    means: stages,
    start: timeText(at(properties, "impactStartTime")) ?? timeText(at(essentials, "firedDateTime")),
    end: timeText(at(properties, "impactMitigationTime")) ?? timeText(at(context, "eventTimestamp")),
    monitor_name: firstText(properties, "service", "title"),
    monitor_id: firstText(essentials, "alertRuleId", "originAlertId"),
    message: firstText(properties, "title", "communication"),
  });
}

function resourceHealth(payload: SourcePayload, essentials: unknown): Reading {
  const context = at(payload.body, "data", "alertContext");
  const target = textAt(essentials, "alertTargetIDs", 0);
  return readingOf(payload, {
    // Each change of a resource's health is an alert with an id of its own.
    incident_id: target === undefined ? textAt(essentials, "alertId") : `${target}:health`,
    status: textAt(context, "properties", "currentHealthStatus"),
    means: healths,
    moment: timeText(at(context, "eventTimestamp")) ?? timeText(at(essentials, "firedDateTime")),
    // From Degraded to Unavailable, and back, nothing begins anew.
    reminder: /^(degraded|unavailable)$/i.test(textAt(context, "properties", "previousHealthStatus") ?? ""),
    monitor_name: firstText(essentials, "configurationItems.0", "alertRule"),
    monitor_id: target,
    message: firstText(context, "properties.title", "properties.details"),
  });
}

/** One that is resolved after all ends as the others do. */
const happening = (payload: SourcePayload, essentials: unknown): Reading | undefined =>
  textAt(essentials, "monitorCondition")?.trim().toLowerCase() === "fired"
    ? readingOf(payload, {
        incident_id: textAt(essentials, "alertId"),
        status: textAt(essentials, "monitorCondition"),
        means: "neither",
        moment: timeText(at(essentials, "firedDateTime")),
        monitor_name: textAt(essentials, "alertRule"),
        monitor_id: firstText(essentials, "alertRuleId", "originAlertId"),
        message: textAt(essentials, "description"),
      })
    : undefined;
