// What queries must answer of one project, as the oracle has it, field for field. Positions and outage ids are left out.

import { named, type OracleOutage, type OracleProject, type OracleRecord } from "./oracle.ts";

/** Each list in an order of its own, so that two of them can be compared. */
export interface ProjectAnswers {
  readonly incidents: readonly object[];
  readonly pairs: readonly object[];
  readonly timelines: Readonly<Record<string, readonly object[]>>;
}

export function oracleAnswers(project: OracleProject): ProjectAnswers {
  return {
    incidents: sorted([...project.records.keys()].map((incident_id) => incidentAnswer(project, incident_id))),
    pairs: sorted(project.outages.map(pairAnswer)),
    timelines: Object.fromEntries(
      [...project.records].map(([incident_id, records]) => [incident_id, records.map(recordAnswer)]),
    ),
  };
}

function incidentAnswer({ records, outages, orphans, surplus }: OracleProject, incident_id: string): object {
  const own = records.get(incident_id) ?? [];
  const ownOutages = outages.filter((outage) => outage.incident_id === incident_id);
  const count = (kind: OracleRecord["kind"]): number => own.filter((record) => record.kind === kind).length;
  const orphaned = orphans.filter(({ record }) => record.incident_id === incident_id).length;
  return {
    incident_id: storable(incident_id),
    state: stateOf(ownOutages, orphaned),
    monitor_id: named(own, "monitor_id"),
    monitor_name: named(own, "monitor_name"),
    repo_uuid: named(own, "repo_uuid"),
    first_time: own[0] && rfc3339(own[0].effective_ns),
    last_time: rfc3339(own.at(-1)?.effective_ns ?? 0n),
    alerts: count("ALERT"),
    recoveries: count("RECOVERY"),
    dismissals: count("DISMISSAL"),
    acknowledgements: count("ACKNOWLEDGEMENT"),
    orphans: orphaned,
    surplus: surplus.filter((record) => record.incident_id === incident_id).length,
    unmapped: count(null),
    records: own.length,
    outages: ownOutages.length,
    webhooks: own.reduce((sum, { webhooks }) => sum + webhooks, 0),
  };
}

/** That of the latest outage: an incident has at most one that is open, and it is the last. */
function stateOf(outages: readonly OracleOutage[], orphaned: number): string {
  const latest = [...outages].sort((a, b) => (a.first_ns < b.first_ns ? -1 : 1));
  const end = latest.find((outage) => outage.end === null) ?? latest.sort(byEnd).at(-1);
  if (end === undefined) return orphaned > 0 ? "orphan" : "unmapped";
  if (end.end === null) return "open";
  return end.end.kind === "DISMISSAL" ? "dismissed" : "recovered";
}

const byEnd = (a: OracleOutage, b: OracleOutage): number =>
  (a.end?.effective_ns ?? 0n) < (b.end?.effective_ns ?? 0n) ? -1 : 1;

function pairAnswer(outage: OracleOutage): object {
  const { end, alerts } = outage;
  const recovery = end?.kind === "RECOVERY" ? end : null;
  const dismissal = end?.kind === "DISMISSAL" ? end : null;
  const names = alerts.length > 0 ? alerts : end === null ? [] : [end];
  const seconds = (from: bigint) =>
    recovery === null ? null : wholeMicroseconds(recovery.effective_ns - from);
  return {
    incident_id: storable(outage.incident_id),
    monitor_id: named(names, "monitor_id"),
    monitor_name: named(names, "monitor_name"),
    repo_uuid: named(names, "repo_uuid"),
    first_alert_at: rfc3339(outage.first_ns),
    latest_alert_at: rfc3339(outage.latest_ns),
    alerts: alerts.length,
    recovered_at: recovery && rfc3339(recovery.effective_ns),
    recovery_seconds: seconds(outage.latest_ns),
    outage_seconds: seconds(outage.first_ns),
    matched_by: recovery && outage.matched_by,
    recovered_at_basis: recovery && (recovery.is_echo ? "received" : "incident_time"),
    alert_event_id: outage.latest_alert?.event_id ?? null,
    recovery_event_id: recovery?.event_id ?? null,
    started_by: alerts.length > 0 ? "alert" : "recovery",
    dismissed_at: dismissal && rfc3339(dismissal.effective_ns),
    dismissal_event_id: dismissal?.event_id ?? null,
  };
}

const recordAnswer = (record: OracleRecord): object => ({
  event_id: record.event_id,
  incident_time: `${record.incident_time.slice(0, 23)}Z`,
  effective_time: rfc3339(record.effective_ns),
  received_at: `${record.first_received_at.slice(0, 23)}Z`,
  status: record.last.status,
  kind: record.kind,
  monitor_name: record.last.monitor_name ?? null,
  monitor_id: record.last.monitor_id ?? null,
  repo_uuid: record.last.repo_uuid ?? null,
  message: record.last.message ?? null,
  source: record.last.source,
  webhooks: record.webhooks,
});

/** Rule 7: rounded down once, to whole microseconds. */
const wholeMicroseconds = (ns: bigint): number => Number(ns / 1000n) / 1e6;

/** Cut to the millisecond. */
function rfc3339(ns: bigint): string {
  const ms = ns / 1_000_000n - (ns % 1_000_000n < 0n ? 1n : 0n);
  return new Date(Number(ms)).toISOString();
}

/** As Postgres can hold it. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\u2400");

export const sorted = (items: readonly object[]): readonly object[] =>
  [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** Rule 6: every ALERT is in one outage, every RECOVERY and DISMISSAL ends one, is an orphan, or is surplus. */
export function accounting(project: OracleProject): {
  readonly alerts: number;
  readonly alertsInOutages: number;
  readonly enders: number;
  readonly endersAccountedFor: number;
} {
  const all = [...project.records.values()].flat();
  const ended = project.outages.filter(({ end, matched_by }) => end !== null && matched_by === "incident_id");
  return {
    alerts: all.filter(({ kind }) => kind === "ALERT").length,
    alertsInOutages: project.outages.reduce((sum, { alerts }) => sum + alerts.length, 0),
    enders: all.filter(({ kind }) => kind === "RECOVERY" || kind === "DISMISSAL").length,
    endersAccountedFor: ended.length + project.orphans.length + project.surplus.length,
  };
}
