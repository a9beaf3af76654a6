// One project's read model, as the tables hold it and as the pure rules say it must be, in one comparable form.

import { type IncidentRecord, type Pairing, pairIncidents } from "../../src/domain/pairing.ts";
import type { Sql } from "../../src/readmodel/postgres.ts";
import { incidentKey } from "../../src/readmodel/projected-event.ts";
import { type History, settledSignals } from "./histories.ts";

export interface ReadModel {
  readonly records: readonly unknown[];
  readonly outages: readonly unknown[];
  readonly orphans: readonly unknown[];
  readonly incidents: readonly unknown[];
}

/** Every table's rows of these projects, in an order of their own; positions are left out. */
export async function storedReadModels(
  sql: Sql,
  projects: readonly string[],
): Promise<Map<string, ReadModel>> {
  const list = projects.join(",");
  const [records, outages, orphans, incidents] = await Promise.all([
    sql`select i.project_uuid, r.incident_key, r.kind, r.incident_time, r.effective_time, r.echo, r.event_id,
          r.first_received_at, r.last_event_id, r.webhooks, r.monitor_id, r.monitor_name, r.repo_uuid,
          s.status, s.message, s.received_at
        from incidents i join records r using (incident_key)
        left join signals s on s.incident_key = r.incident_key and s.incident_time = r.incident_time
          and s.event_id = r.last_event_id
        where i.project_uuid = any(string_to_array(${list}, ',')::uuid[]) order by 2, 5, 3, 4`,
    sql`select project_uuid, incident_key, ended_at, first_alert_at, latest_alert_at, alerts, alert_event_id,
          monitor_id, monitor_name, repo_uuid, recovered_at, recovery_event_id, matched_by, recovered_at_basis,
          recovery_seconds, outage_seconds
        from outages where project_uuid = any(string_to_array(${list}, ',')::uuid[]) order by 2, 3`,
    sql`select project_uuid, incident_key, incident_time, event_id, matched_incident_key, matched_by
        from orphans where project_uuid = any(string_to_array(${list}, ',')::uuid[]) order by 2, 3`,
    sql`select project_uuid, incident_key, incident_id, state, monitor_id, monitor_name, repo_uuid, first_time,
          last_time, alerts, recoveries, outages, webhooks
        from incidents where project_uuid = any(string_to_array(${list}, ',')::uuid[]) order by 2`,
  ]);
  const of = (rows: readonly Record<string, unknown>[], project: string) =>
    rows.filter(({ project_uuid }) => project_uuid === project).map((row) => ({ ...row }));
  return new Map(
    projects.map((project) => [
      project,
      {
        records: of(records, project),
        outages: of(outages, project),
        orphans: of(orphans, project),
        incidents: of(incidents, project),
      },
    ]),
  );
}

/** What the tables must hold after a history, whatever its order. */
export function expectedReadModel(history: History): ReadModel {
  const { signals, matching } = settledSignals(history);
  const pairing = pairIncidents(signals, { matching });
  const project_uuid = history.project;
  const key = (incident_id: string) =>
    incidentKey(project_uuid, incident_id.isWellFormed() ? incident_id : Uint8Array.of(0xed, 0xa0, 0x80));
  const records = [...pairing.records.values()].flat().map((record) => ({
    project_uuid,
    incident_key: key(record.incident_id),
    kind: placeOfKind(record),
    incident_time: record.incident_time,
    effective_time: record.effective_time,
    echo: record.time_basis === "received",
    event_id: record.event_id,
    first_received_at: record.first_received_at,
    last_event_id: record.last.event_id,
    webhooks: record.webhooks,
    ...namesOf([record]),
    status: record.last.status,
    message: record.last.message ?? null,
    received_at: record.last.received_at,
  }));
  const outages = pairing.outages.map(({ incident_id, recovery, ...outage }) => ({
    project_uuid,
    incident_key: key(incident_id),
    ended_at: recovery?.recovered_at ?? "infinity",
    ...outage,
    recovered_at: recovery?.recovered_at ?? null,
    recovery_event_id: recovery?.recovery_event_id ?? null,
    matched_by: recovery?.matched_by ?? null,
    recovered_at_basis: recovery?.recovered_at_basis ?? null,
    recovery_seconds: recovery?.recovery_seconds ?? null,
    outage_seconds: recovery?.outage_seconds ?? null,
  }));
  const orphans = pairing.orphans.map(({ incident_id, incident_time, event_id, matched }) => ({
    project_uuid,
    incident_key: key(incident_id),
    incident_time,
    event_id,
    matched_incident_key: matched && key(matched.incident_id),
    matched_by: matched?.by ?? null,
  }));
  return {
    records: sorted(records, ({ incident_key, effective_time, kind, incident_time }) => [
      incident_key,
      effective_time,
      kind,
      incident_time,
    ]),
    outages: sorted(outages, ({ incident_key, ended_at }) => [incident_key, ended_at]),
    orphans: sorted(orphans, ({ incident_key, incident_time }) => [incident_key, incident_time]),
    incidents: sorted(expectedIncidents(project_uuid, pairing, key), ({ incident_key }) => [incident_key]),
  };
}

function expectedIncidents(project_uuid: string, pairing: Pairing, key: (incident_id: string) => string) {
  const outagesOf = Map.groupBy(pairing.outages, (outage) => outage.incident_id);
  return [...pairing.records].map(([incident_id, records]) => {
    const outages = outagesOf.get(incident_id) ?? [];
    const alerts = records.filter(({ kind }) => kind === "ALERT").length;
    const recoveries = records.filter(({ kind }) => kind === "RECOVERY").length;
    const state = outages.some(({ recovery }) => recovery === null)
      ? "open"
      : outages.length > 0
        ? "recovered"
        : recoveries > 0
          ? "orphan"
          : "unmapped";
    return {
      project_uuid,
      incident_key: key(incident_id),
      incident_id: incident_id.toWellFormed().replaceAll("\0", "\u2400"),
      state,
      ...namesOf(records),
      first_time: records.at(0)?.effective_time,
      last_time: records.at(-1)?.effective_time,
      alerts,
      recoveries,
      outages: outages.length,
      webhooks: records.reduce((sum, { webhooks }) => sum + webhooks, 0),
    };
  });
}

const namesOf = (records: readonly IncidentRecord[]) => ({
  monitor_id: records.findLast(({ last }) => last.monitor_id)?.last.monitor_id ?? null,
  monitor_name: records.findLast(({ last }) => last.monitor_name)?.last.monitor_name ?? null,
  repo_uuid: records.findLast(({ last }) => last.repo_uuid)?.last.repo_uuid ?? null,
});

const placeOfKind = ({ kind }: IncidentRecord): number =>
  kind === "ALERT" ? 0 : kind === "RECOVERY" ? 1 : 2;

function sorted<T>(rows: readonly T[], by: (row: T) => readonly unknown[]): T[] {
  const text = (row: T) => by(row).join(" ");
  return [...rows].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
