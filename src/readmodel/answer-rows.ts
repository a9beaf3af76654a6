// Rows of the read model as the answers of queries: times as RFC 3339, durations as seconds.

import { createHash } from "node:crypto";
import type { IncidentItem, IncidentState, PairItem, TimelineItem } from "../answers/incidents.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { leftOver } from "../domain/pairing.ts";
import type { MatchedBy } from "../domain/signal.ts";
import { kinds } from "./incident-rows.ts";
import { instantOf, instantOrNull } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

/** By their code in the tables. */
export const states: readonly IncidentState[] = ["open", "recovered", "dismissed", "orphan", "unmapped"];
export const matches: readonly MatchedBy[] = ["incident_id", "monitor_id", "project"];
export const dismissedCode = 3;

/** The text of a column that holds its number. */
export const wordOf = (sql: Sql, column: string) =>
  sql`(select word from words where id = ${sql(column)}) as ${sql(column.replace(/^.*\./, ""))}`;

export const namesOf = (sql: Sql) => sql`
  (select word from words where id = monitor_id) as monitor_id,
  (select word from words where id = monitor_name) as monitor_name,
  (select word from words where id = repo_uuid) as repo_uuid`;

interface NamesRow {
  readonly monitor_id: string | null;
  readonly monitor_name: string | null;
  readonly repo_uuid: string | null;
}

export interface IncidentRow extends NamesRow {
  readonly incident: number;
  readonly incident_key: string;
  readonly incident_id: string;
  readonly state: number;
  readonly first_time: string;
  readonly first_time_ns: number;
  readonly last_time: string;
  readonly last_time_ns: number;
  readonly alerts: number;
  readonly recoveries: number;
  readonly dismissals: number;
  readonly acknowledgements: number;
  readonly unmapped: number;
  readonly ended: number;
  readonly matched: number;
  readonly webhooks: number;
}

export const incidentColumns = (sql: Sql) => sql`
  incident, incident_key, incident_id, state, first_time, first_time_ns, last_time, last_time_ns, alerts, recoveries,
  dismissals, acknowledgements, unmapped, ended, matched, webhooks, ${namesOf(sql)}`;

export const incidentItem = (row: IncidentRow): IncidentItem => {
  const { alerts, recoveries, dismissals, acknowledgements, unmapped } = row;
  const state = states[row.state] ?? "unmapped";
  return {
    incident_id: row.incident_id,
    state,
    monitor_id: row.monitor_id,
    monitor_name: row.monitor_name,
    repo_uuid: row.repo_uuid,
    first_time: toRfc3339(instantOf(row.first_time, row.first_time_ns)),
    last_time: toRfc3339(instantOf(row.last_time, row.last_time_ns)),
    alerts,
    recoveries,
    dismissals,
    acknowledgements,
    unmapped,
    ...leftOver(row),
    records: alerts + recoveries + dismissals + acknowledgements + unmapped,
    outages: row.ended + row.matched + (state === "open" ? 1 : 0),
    webhooks: row.webhooks,
  };
};

export interface OutageRow extends NamesRow {
  readonly incident: number;
  readonly incident_key: string;
  readonly incident_id: string;
  /** Null while it is open. */
  readonly ended_at: string | null;
  readonly ended_at_ns: number | null;
  readonly ended_by: number | null;
  readonly is_echo: boolean | null;
  readonly first_alert_at: string;
  readonly first_alert_at_ns: number;
  readonly latest_alert_at: string;
  readonly latest_alert_at_ns: number;
  readonly alerts: number;
  readonly recovery_us: string | null;
  readonly outage_us: string | null;
  readonly alert_event_id: string | null;
  readonly end_event_id: string | null;
  readonly opened_at: string | null;
  readonly opened_at_ns: number | null;
}

/** Of `outages` joined with `incidents`. */
export const endedColumns = (sql: Sql) => sql`
  o.incident, i.incident_key, i.incident_id, o.ended_at, o.ended_at_ns, o.ended_by, o.is_echo, o.first_alert_at,
  o.first_alert_at_ns, o.latest_alert_at, o.latest_alert_at_ns, o.alerts, o.recovery_us::text as recovery_us,
  o.outage_us::text as outage_us, o.alert_event_id, o.end_event_id, o.opened_at, o.opened_at_ns,
  ${wordOf(sql, "o.monitor_id")}, ${wordOf(sql, "o.monitor_name")}, ${wordOf(sql, "o.repo_uuid")}`;

/** The same of `open_outages`. */
export const openColumns = (sql: Sql) => sql`
  o.incident, i.incident_key, i.incident_id, null::timestamp as ended_at, null::smallint as ended_at_ns,
  null::smallint as ended_by, null::boolean as is_echo, o.first_at as first_alert_at,
  o.first_at_ns as first_alert_at_ns, coalesce(o.latest_at, o.first_at) as latest_alert_at,
  coalesce(o.latest_at_ns, o.first_at_ns) as latest_alert_at_ns, o.alerts, null::text as recovery_us,
  null::text as outage_us, coalesce(o.latest_event_id, o.first_event_id) as alert_event_id,
  null::uuid as end_event_id, null::timestamp as opened_at, null::smallint as opened_at_ns,
  ${wordOf(sql, "o.monitor_id")}, ${wordOf(sql, "o.monitor_name")}, ${wordOf(sql, "o.repo_uuid")}`;

export const pairItem = (row: OutageRow): PairItem => {
  const first = instantOf(row.first_alert_at, row.first_alert_at_ns);
  const ended = instantOrNull(row.ended_at, row.ended_at_ns);
  const ended_at = ended === null ? null : toRfc3339(ended);
  const isDismissed = row.ended_by === dismissedCode;
  const isRecovered = ended !== null && !isDismissed;
  const started_by = row.alerts > 0 ? "alert" : "recovery";
  return {
    incident_id: row.incident_id,
    monitor_id: row.monitor_id,
    monitor_name: row.monitor_name,
    repo_uuid: row.repo_uuid,
    first_alert_at: toRfc3339(first),
    latest_alert_at: toRfc3339(instantOf(row.latest_alert_at, row.latest_alert_at_ns)),
    alerts: row.alerts,
    recovered_at: isRecovered ? ended_at : null,
    recovery_seconds: seconds(row.recovery_us),
    outage_seconds: seconds(row.outage_us),
    matched_by: isRecovered ? (matches[row.ended_by ?? 0] ?? null) : null,
    recovered_at_basis: isRecovered ? (row.is_echo ? "received" : "incident_time") : null,
    alert_event_id: row.alert_event_id,
    recovery_event_id: isRecovered ? row.end_event_id : null,
    started_by,
    dismissed_at: isDismissed ? ended_at : null,
    dismissal_event_id: isDismissed ? row.end_event_id : null,
    outage_id: outageId(row.incident_key, {
      kind: started_by === "alert" ? "ALERT" : "RECOVERY",
      incident_time: instantOrNull(row.opened_at, row.opened_at_ns) ?? first,
    }),
  };
};

/** Microseconds as seconds, the nearest number. */
export const seconds = (microseconds: string | null): number | null =>
  microseconds === null ? null : Number(microseconds) / 1e6;

/** A UUID (version 8) of the incident and of the record that opened the outage. */
function outageId(
  incident_key: string,
  opened: { readonly kind: "ALERT" | "RECOVERY"; readonly incident_time: Instant },
): string {
  const hash = createHash("sha256")
    .update(`${incident_key} ${opened.kind} ${opened.incident_time}`)
    .digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

export interface TimelineRow extends NamesRow {
  readonly at: string;
  readonly at_ns: number;
  readonly incident_time: string | null;
  readonly incident_time_ns: number | null;
  readonly received_at: string;
  readonly received_at_ns: number;
  readonly event_id: string;
  readonly position: string;
  readonly kind: number;
  readonly status: string;
  readonly source: string;
  readonly message: string | null;
  readonly local_time: string | null;
  readonly timezone: string | null;
  readonly webhooks: number;
}

export const timelineItem = (row: TimelineRow): TimelineItem => {
  const effective = instantOf(row.at, row.at_ns);
  const own = instantOrNull(row.incident_time, row.incident_time_ns) ?? effective;
  return {
    event_id: row.event_id,
    position: row.position,
    incident_time: toRfc3339(own),
    effective_time: toRfc3339(effective),
    received_at: toRfc3339(instantOf(row.received_at, row.received_at_ns)),
    status: row.status,
    kind: kinds[row.kind] ?? null,
    monitor_name: row.monitor_name,
    monitor_id: row.monitor_id,
    repo_uuid: row.repo_uuid,
    message: row.message,
    local_time: row.local_time,
    timezone: row.timezone,
    source: row.source,
    webhooks: row.webhooks,
  };
};
