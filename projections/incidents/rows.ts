// The fold's values as rows of tables.ts.

import { type Alerts, type EndedOutage, leftOver } from "../../src/domain/pairing.ts";
import type { Kind } from "../../src/domain/signal.ts";
import { exactBytes, normalForm } from "../exact-text.ts";
import type { Row } from "../table.ts";
import { shownOutage } from "./match-orphans.ts";
import type { Incident, OrphanRow, SignalRecord, SignalWebhook } from "./store.ts";

export const kinds = ["ALERT", "DISMISSAL", "RECOVERY", "ACKNOWLEDGEMENT", null] as const;
export const kindCode = (kind: Kind): number => kinds.indexOf(kind);

const endedBy = { incident_id: 0, monitor_id: 1, project: 2 } as const;
const dismissed = 3;

export const incidentRow = (incident: Incident): Row => {
  const { counts, tail } = incident;
  const incident_id = normalForm(incident.incident_id);
  return {
    incident: incident.incident,
    incident_key: incident.incident_key,
    project: incident.project,
    incident_id,
    exact_id: incident_id === incident.incident_id ? null : exactBytes(incident.incident_id).toString("hex"),
    state: stateCode(incident),
    monitor_id: incident.monitor_id,
    monitor_name: incident.monitor_name,
    repo_uuid: incident.repo_uuid,
    first_time: incident.first_time,
    last_time: incident.last_time,
    newest: incident.newest,
    ...counts,
    matched: incident.matched,
    webhooks: incident.webhooks,
    ender_at: tail.ender_at,
    ended_at: tail.ended_at,
    is_dismissed: incident.is_dismissed,
    matched_until: incident.matched_until,
  };
};

function stateCode(incident: Incident): number {
  if (shownOutage(incident) !== null) return 0;
  if (incident.matched > 0) return 1;
  if (incident.counts.ended > 0) return incident.is_dismissed ? 2 : 1;
  return leftOver(incident.counts).orphans > 0 ? 3 : 4;
}

export const recordRow = (incident: number, record: SignalRecord): Row => {
  const { first, last } = record;
  return {
    incident,
    at: record.effective_time,
    kind: kindCode(record.kind),
    exact: record.exact,
    reminder: record.reminder,
    by_word: last.by_word,
    received_at: first.received_at,
    event_id: first.event_id,
    status: last.status,
    source: last.source,
    monitor_id: last.monitor_id,
    monitor_name: last.monitor_name,
    repo_uuid: last.repo_uuid,
    timezone: last.timezone,
    webhooks: record.webhooks,
    position: first.position,
    incident_time: record.is_echo ? record.incident_time : null,
    started_at: record.started?.started_at ?? null,
    message: last.message,
    local_time: last.local_time,
  };
};

export const recordKey = (incident: number, { effective_time, first }: SignalRecord): Row => ({
  incident,
  at: effective_time,
  event_id: first.event_id,
});

export const webhookRow = (incident: number, webhook: SignalWebhook): Row => ({
  incident,
  incident_time: webhook.incident_time,
  event_id: webhook.event_id,
  kind: kindCode(webhook.kind),
  exact: webhook.exact,
  reminder: webhook.reminder,
  by_word: webhook.by_word,
  received_at: webhook.received_at,
  started_at: webhook.started_at,
  status: webhook.status,
  source: webhook.source,
  monitor_id: webhook.monitor_id,
  monitor_name: webhook.monitor_name,
  repo_uuid: webhook.repo_uuid,
  timezone: webhook.timezone,
  position: webhook.position,
  message: webhook.message,
  local_time: webhook.local_time,
});

export const outageRow = ({ incident, project }: Incident, outage: EndedOutage): Row => {
  const { recovery, opened } = outage;
  return {
    incident,
    project,
    ended_at: outage.ended_at,
    first_alert_at: outage.first_alert_at,
    latest_alert_at: outage.latest_alert_at,
    ended_by: recovery === null ? dismissed : endedBy[recovery.matched_by],
    is_echo: recovery?.basis === "received",
    alerts: outage.alerts,
    recovery_us: recovery?.recovery_us ?? null,
    outage_us: recovery?.outage_us ?? null,
    alert_event_id: outage.alert_event_id,
    end_event_id: outage.end_event_id,
    monitor_id: numberOf(outage.monitor_id),
    monitor_name: numberOf(outage.monitor_name),
    repo_uuid: numberOf(outage.repo_uuid),
    opened_at: opened.incident_time === outage.first_alert_at ? null : opened.incident_time,
  };
};

/** Two parts at most; those that are not there are null. */
export function openRows(incident: Incident): readonly (Row | null)[] {
  const whole = incident.tail.open;
  const isMatched = incident.matched_until !== null;
  return [
    whole === null ? null : openRow(incident, whole, { part: 0, is_shown: !isMatched }),
    !isMatched || incident.rest === null
      ? null
      : openRow(incident, incident.rest, { part: 1, is_shown: true }),
  ];
}

const openRow = (
  incident: Incident,
  alerts: Alerts,
  part: { readonly part: 0 | 1; readonly is_shown: boolean },
): Row => ({
  incident: incident.incident,
  ...part,
  exact: alerts.exact,
  project: incident.project,
  alerts: alerts.count,
  first_at: alerts.first.at,
  latest_at: alerts.latest?.at ?? null,
  last_at: alerts.last_at,
  first_event_id: alerts.first.event_id,
  latest_event_id: alerts.latest?.event_id ?? null,
  monitor_id: numberOf(alerts.monitor_id),
  monitor_name: numberOf(alerts.monitor_name),
  repo_uuid: numberOf(alerts.repo_uuid),
  id_order: exactBytes(incident.incident_id).toString("hex"),
});

export const orphanRow = (orphan: OrphanRow): Row => ({
  incident: orphan.incident,
  at: orphan.at,
  project: orphan.project,
  event_id: orphan.event_id,
  monitor_id: orphan.monitor_id,
  matched_incident: orphan.matched_incident,
  matched_by: orphan.matched_by === null ? null : endedBy[orphan.matched_by],
});

/** Names are numbers of words here. */
const numberOf = (name: string | number | null): number | null => (typeof name === "number" ? name : null);
