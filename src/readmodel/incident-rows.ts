// Rows of the incidents tables as the values that the fold works with.

import { exactText } from "../../projections/exact-text.ts";
import type { Incident, OrphanRow, SignalRecord, SignalWebhook } from "../../projections/incidents/store.ts";
import type { Instant } from "../domain/instant.ts";
import type { Alerts } from "../domain/pairing.ts";
import type { Kind } from "../domain/signal.ts";
import { instantOf, instantOrNull } from "./instant-columns.ts";

/** By their code in the tables. */
export const kinds: readonly Kind[] = ["ALERT", "DISMISSAL", "RECOVERY", "ACKNOWLEDGEMENT", null];
const kindAt = (code: number): Kind => kinds[code] ?? null;

interface WebhookColumns {
  readonly event_id: string;
  readonly kind: number;
  readonly exact: boolean;
  readonly reminder: boolean;
  readonly by_word: boolean;
  readonly received_at: string;
  readonly received_at_ns: number;
  readonly started_at: string | null;
  readonly started_at_ns: number | null;
  readonly status: number;
  readonly source: number;
  readonly monitor_id: number | null;
  readonly monitor_name: number | null;
  readonly repo_uuid: number | null;
  readonly timezone: number | null;
  readonly position: string;
  readonly message: string | null;
  readonly local_time: string | null;
}

export interface WebhookColumnsOf extends WebhookColumns {
  readonly incident: number;
  readonly incident_time: string;
  readonly incident_time_ns: number;
}

/** `last_*`, `started_by*`: of records that have several webhooks; else null. */
export interface RecordColumns extends WebhookColumns {
  readonly incident: number;
  readonly at: string;
  readonly at_ns: number;
  readonly incident_time: string | null;
  readonly incident_time_ns: number | null;
  readonly webhooks: number;
  readonly last_event_id: string | null;
  readonly last_received_at: string | null;
  readonly last_received_at_ns: number | null;
  readonly started_by: string | null;
  readonly started_by_received_at: string | null;
  readonly started_by_received_at_ns: number | null;
}

export const webhookOf = (row: WebhookColumns, incident_time: Instant): SignalWebhook => ({
  event_id: row.event_id,
  received_at: instantOf(row.received_at, row.received_at_ns),
  kind: kindAt(row.kind),
  incident_time,
  exact: row.exact,
  reminder: row.reminder,
  started_at: instantOrNull(row.started_at, row.started_at_ns),
  position: row.position,
  status: row.status,
  source: row.source,
  by_word: row.by_word,
  monitor_id: row.monitor_id,
  monitor_name: row.monitor_name,
  repo_uuid: row.repo_uuid,
  message: row.message,
  local_time: row.local_time,
  timezone: row.timezone,
});

export function recordOfRow(row: RecordColumns): SignalRecord {
  const effective_time = instantOf(row.at, row.at_ns);
  const incident_time = instantOrNull(row.incident_time, row.incident_time_ns) ?? effective_time;
  const first = webhookOf(row, incident_time);
  const last_received_at = instantOrNull(row.last_received_at, row.last_received_at_ns);
  const last =
    row.last_event_id === null || last_received_at === null
      ? first
      : { ...first, event_id: row.last_event_id, received_at: last_received_at };
  const started_received_at = instantOrNull(row.started_by_received_at, row.started_by_received_at_ns);
  const startedBy =
    row.started_by === null || started_received_at === null
      ? first
      : { ...first, event_id: row.started_by, received_at: started_received_at };
  return {
    kind: first.kind,
    incident_time,
    effective_time,
    is_echo: row.incident_time !== null,
    exact: row.exact,
    reminder: row.reminder,
    first,
    last,
    started: first.started_at === null ? null : startedBy,
    webhooks: row.webhooks,
  };
}

interface AlertsColumns {
  readonly count: number;
  readonly exact: boolean;
  readonly first_at: string;
  readonly first_at_ns: number;
  readonly latest_at: string | null;
  readonly latest_at_ns: number | null;
  readonly last_at: string;
  readonly last_at_ns: number;
  readonly first_event_id: string;
  readonly latest_event_id: string | null;
  readonly monitor_id: number | null;
  readonly monitor_name: number | null;
  readonly repo_uuid: number | null;
}

/** `whole` and `rest` are rows of open_outages as JSON. */
export interface IncidentColumns {
  readonly incident: number;
  readonly incident_key: string;
  readonly project: number;
  readonly incident_id: string;
  readonly exact_id: Buffer | null;
  readonly monitor_id: number | null;
  readonly monitor_name: number | null;
  readonly repo_uuid: number | null;
  readonly first_time: string;
  readonly first_time_ns: number;
  readonly last_time: string;
  readonly last_time_ns: number;
  readonly newest: string;
  readonly newest_ns: number;
  readonly alerts: number;
  readonly recoveries: number;
  readonly dismissals: number;
  readonly acknowledgements: number;
  readonly unmapped: number;
  readonly ended: number;
  readonly matched: number;
  readonly webhooks: number;
  readonly ender_at: string | null;
  readonly ender_at_ns: number | null;
  readonly ended_at: string | null;
  readonly ended_at_ns: number | null;
  readonly is_dismissed: boolean;
  readonly matched_until: string | null;
  readonly matched_until_ns: number | null;
  readonly whole: AlertsColumns | null;
  readonly rest: AlertsColumns | null;
}

export const incidentOf = (row: IncidentColumns): Incident => ({
  incident: row.incident,
  incident_key: row.incident_key,
  project: row.project,
  incident_id: row.exact_id === null ? row.incident_id : exactText(row.exact_id),
  counts: {
    alerts: row.alerts,
    recoveries: row.recoveries,
    dismissals: row.dismissals,
    acknowledgements: row.acknowledgements,
    unmapped: row.unmapped,
    ended: row.ended,
  },
  webhooks: row.webhooks,
  first_time: instantOf(row.first_time, row.first_time_ns),
  last_time: instantOf(row.last_time, row.last_time_ns),
  newest: instantOf(row.newest, row.newest_ns),
  monitor_id: row.monitor_id,
  monitor_name: row.monitor_name,
  repo_uuid: row.repo_uuid,
  tail: {
    ender_at: instantOrNull(row.ender_at, row.ender_at_ns),
    ended_at: instantOrNull(row.ended_at, row.ended_at_ns),
    open: row.whole === null ? null : alertsOf(row.whole),
  },
  is_dismissed: row.is_dismissed,
  matched: row.matched,
  matched_until: instantOrNull(row.matched_until, row.matched_until_ns),
  rest: row.rest === null ? null : alertsOf(row.rest),
});

const alertsOf = (row: AlertsColumns): Alerts => {
  const latest = instantOrNull(row.latest_at, row.latest_at_ns);
  return {
    count: row.count,
    exact: row.exact,
    first: { at: instantOf(row.first_at, row.first_at_ns), event_id: row.first_event_id },
    latest:
      latest === null || row.latest_event_id === null ? null : { at: latest, event_id: row.latest_event_id },
    last_at: instantOf(row.last_at, row.last_at_ns),
    monitor_id: row.monitor_id,
    monitor_name: row.monitor_name,
    repo_uuid: row.repo_uuid,
  };
};

export interface OrphanColumns {
  readonly incident: number;
  readonly at: string;
  readonly at_ns: number;
  readonly project: number;
  readonly event_id: string;
  readonly monitor_id: number | null;
  readonly matched_incident: number | null;
  readonly matched_by: number | null;
  readonly incident_id: string;
  readonly exact_id: Buffer | null;
}

export const orphanOf = (row: OrphanColumns): OrphanRow => ({
  incident: row.incident,
  at: instantOf(row.at, row.at_ns),
  project: row.project,
  event_id: row.event_id,
  monitor_id: row.monitor_id,
  matched_incident: row.matched_incident,
  matched_by: row.matched_by === null ? null : row.matched_by === 1 ? "monitor_id" : "project",
  incident_id: row.exact_id === null ? row.incident_id : exactText(row.exact_id),
});
