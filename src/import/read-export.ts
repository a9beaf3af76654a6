// Turns a row of a tool's export into webhooks of the ingest contract: the start and the end of one incident. Pure.

import { fromEpochNs, type Instant, parseInstant, toEpochNs } from "../domain/instant.ts";
import { isRowFields, type RowFields } from "./read-rows.ts";

export const rowKinds = ["contract", "pagerduty", "opsgenie", "devlake"] as const;
export type RowKind = (typeof rowKinds)[number];

export type RowReading =
  /** In the order in which they are sent. */
  | { readonly tag: "webhooks"; readonly webhooks: readonly RowFields[] }
  /** Nothing is wrong with the row, and it is no incident. */
  | { readonly tag: "left_out"; readonly reason: string }
  | { readonly tag: "refused"; readonly reason: string };

const refused = (reason: string): RowReading => ({ tag: "refused", reason });

/** `project_uuid` is filled in where the row names none. */
export function readRow(kind: RowKind, fields: RowFields, project: string | undefined): RowReading {
  const ofProject = project === undefined ? {} : { project_uuid: project };
  switch (kind) {
    case "contract":
      return { tag: "webhooks", webhooks: [{ ...ofProject, ...fields }] };
    case "pagerduty":
      return incidentOf(pagerDuty(named(fields)), ofProject);
    case "opsgenie":
      return incidentOf(opsgenie(named(fields)), ofProject);
    case "devlake":
      return incidentOf(devLake(named(fields)), ofProject);
    default:
      return kind satisfies never;
  }
}

/** One incident as an export has it. */
interface ExportedIncident {
  readonly id: string | undefined;
  readonly title: string | undefined;
  readonly service: { readonly id?: string | undefined; readonly name?: string | undefined };
  readonly started: string | undefined;
  /** `open`: the tool says that it has not ended. A missing text is an end whose time the export does not tell. */
  readonly ended: string | "open" | undefined;
  readonly leftOut?: string;
}

function incidentOf(incident: ExportedIncident, ofProject: RowFields): RowReading {
  if (incident.leftOut !== undefined) return { tag: "left_out", reason: incident.leftOut };
  if (incident.id === undefined) return refused("no field names the incident");
  const started = instantIn(incident.started, "start");
  if (typeof started !== "object") return refused(started);
  if (incident.ended === undefined)
    return refused("the incident has ended, and no field tells when; an open outage would never end");
  const common = {
    ...ofProject,
    incident_id: incident.id,
    ...(incident.service.id === undefined ? {} : { monitor_id: incident.service.id }),
    ...(incident.service.name === undefined ? {} : { monitor_name: incident.service.name }),
    ...(incident.title === undefined ? {} : { message: incident.title }),
  };
  const alert = { ...common, status: "TRIGGERED", incident_time: started.at };
  if (incident.ended === "open") return { tag: "webhooks", webhooks: [alert] };
  const ended = instantIn(incident.ended, "end");
  if (typeof ended !== "object") return refused(ended);
  if (ended.at < started.at) return refused("the incident ends before it starts");
  const recovery = { ...common, status: "RESOLVED", incident_time: ended.at };
  return { tag: "webhooks", webhooks: [alert, recovery] };
}

function instantIn(text: string | undefined, name: string): { readonly at: Instant } | string {
  if (text === undefined) return `no field tells the incident's ${name}`;
  const reading = parseInstant(text);
  return reading.ok
    ? { at: reading.value }
    : `Cannot read the ${name} ${JSON.stringify(text)}: ${reading.problem}`;
}

/**
 * The incidents of the REST API (GET /incidents), of analytics (POST /analytics/raw/incidents) and of the incidents report
 * (CSV: created_on, resolved_on). An API version that tells no resolved_at tells the last change of a resolved incident.
 */
function pagerDuty(field: Named): ExportedIncident {
  const resolved = field.text("resolved_at", "resolved_on");
  const status = field.text("status")?.toLowerCase();
  const changed = status === "resolved" ? field.text("last_status_change_at") : undefined;
  return {
    id: field.text("id") ?? field.text("incident_number"),
    title: field.text("title", "description", "summary"),
    service: {
      id: field.text("service_id") ?? field.within("service").text("id"),
      name: field.text("service_name") ?? field.within("service").text("summary", "name"),
    },
    started: field.text("created_at", "created_on"),
    ended: resolved ?? (status === "resolved" ? changed : "open"),
  };
}

/** The alerts of the API's list and export; report.closeTime is milliseconds from the creation to the close. */
function opsgenie(field: Named): ExportedIncident {
  const started = field.text("created_at", "created_date");
  const closed = field.text("status")?.toLowerCase() === "closed";
  return {
    id: field.text("id", "alert_id") ?? field.text("tiny_id"),
    title: field.text("message"),
    service: { id: field.text("entity"), name: field.text("entity") ?? field.text("source") },
    started,
    ended: closed ? (field.text("closed_at", "close_time") ?? closeOf(field, started)) : "open",
  };
}

function closeOf(field: Named, started: string | undefined): string | undefined {
  const afterMs = Number(field.within("report").text("close_time") ?? Number.NaN);
  const start = parseInstant(started ?? "");
  if (!start.ok || !Number.isSafeInteger(afterMs) || afterMs < 0) return undefined;
  return fromEpochNs(toEpochNs(start.value) + BigInt(afterMs) * 1_000_000n);
}

/** The rows of its domain layer's tables incidents and issues. Its times without a zone are UTC. */
function devLake(field: Named): ExportedIncident {
  const type = field.text("type")?.toUpperCase();
  const done = field.text("status")?.toUpperCase() === "DONE";
  return {
    id: field.text("id") ?? field.text("issue_key"),
    title: field.text("title"),
    service: { id: field.text("component", "scope_id"), name: field.text("component") },
    started: field.text("created_date"),
    ended: field.text("resolution_date") ?? (done ? undefined : "open"),
    ...(type === undefined || type === "INCIDENT" ? {} : { leftOut: `its type is ${type}, not INCIDENT` }),
  };
}

/** RowFields by name, whichever way it is written: createdAt, created_at and "Created At" are one. */
interface Named {
  /** Of the first of these names that holds a text or a number. */
  readonly text: (...names: readonly string[]) => string | undefined;
  readonly within: (name: string) => Named;
}

function named(fields: RowFields): Named {
  const plain = (name: string): string => name.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
  const values = new Map(Object.entries(fields).map(([name, value]) => [plain(name), value]));
  const text = (name: string): string | undefined => {
    const value = values.get(plain(name));
    const written = typeof value === "string" || typeof value === "number" ? String(value).trim() : "";
    return written === "" || written.toUpperCase() === "NULL" ? undefined : written;
  };
  return {
    text: (...names) => names.map(text).find((found) => found !== undefined),
    within: (name) => {
      const value = values.get(plain(name));
      return named(isRowFields(value) ? value : {});
    },
  };
}
