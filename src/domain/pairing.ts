// Pairs the alerts and recoveries of one project, whatever order or however often its signals arrived: the answer is
// a function of the set of signals. Knows no clock, no log position and no store.
//
// 0. A record is all webhooks of one incident, incident_time and kind. Its id is that of the webhook first received,
//    its descriptive fields are those of the webhook last received (equal receive times: by event id).
// 1. An incident's records are sorted by effective time (rule 5); at equal times ALERT before RECOVERY, then by
//    incident_time. Records without a kind neither open nor end an outage.
// 2. An ALERT opens an outage if none is open, else it is a repeat: it becomes the outage's latest alert.
// 3. A RECOVERY ends the open outage. One that finds none open, though its incident has alerts, is surplus: it is
//    kept in the timeline and paired with nothing.
// 4. A RECOVERY whose incident has no ALERT at all is an orphan. After all incidents have been paired, the orphans
//    are matched one by one in time order (equal times: by incident_id) against the outages still open that have an
//    ALERT at or before the orphan: those that name the orphan's monitor_id, or if there are none, those whose
//    monitor_id does not contradict it (one of the two is absent). The one with the most recent such ALERT wins
//    (equal: the smaller incident_id). The orphan ends that outage as a RECOVERY of its own would: later ALERTs begin
//    a new one. An outage is named by its most recent ALERT, up to the moment asked about, that gives the name.
// 5. Effective time is incident_time, except for a RECOVERY with the incident_time of an ALERT of the same incident
//    that was first received later: the tool repeated the start time. Then it is the ALERT's time plus the time
//    between the two receipts.
// 6. No duration is negative. Nothing is dropped.

import type { IncidentId, RepoUuid } from "./ids.ts";
import { type Instant, secondsBetween, shift } from "./instant.ts";
import type { Kind, MatchedBy, Matching, Signal } from "./signal.ts";

/** Rule 0: what all webhooks of one incident, incident_time and kind come to. */
export interface IncidentRecord {
  readonly incident_id: IncidentId;
  readonly kind: Kind;
  readonly incident_time: Instant;
  readonly effective_time: Instant;
  /** Where effective_time comes from (rule 5). */
  readonly time_basis: "incident_time" | "received";
  /** Of the webhook first received. */
  readonly event_id: string;
  readonly first_received_at: Instant;
  /** The webhook last received: its descriptive fields are the record's. */
  readonly last: Signal;
  /** Different events. */
  readonly webhooks: number;
}

/** From the first ALERT to the RECOVERY that ends it; `recovery` is null while it is open. */
export interface Outage {
  readonly incident_id: IncidentId;
  readonly monitor_id: string | null;
  readonly monitor_name: string | null;
  readonly repo_uuid: RepoUuid | null;
  readonly first_alert_at: Instant;
  readonly latest_alert_at: Instant;
  readonly alerts: number;
  /** The latest alert's event. */
  readonly alert_event_id: string;
  readonly recovery: OutageRecovery | null;
}

export interface OutageRecovery {
  readonly recovered_at: Instant;
  readonly recovered_at_basis: "incident_time" | "received";
  readonly recovery_event_id: string;
  readonly matched_by: MatchedBy;
  /** Recovery minus the latest alert. */
  readonly recovery_seconds: number;
  /** Recovery minus the first alert. */
  readonly outage_seconds: number;
}

/** Rule 4's orphan, and the incident whose outage it ended (null: it stays visible as an orphan). */
export interface Orphan {
  readonly incident_id: IncidentId;
  readonly incident_time: Instant;
  readonly event_id: string;
  readonly matched: { readonly incident_id: IncidentId; readonly by: MatchedBy } | null;
}

export interface Pairing {
  /** By incident, each in timeline order. */
  readonly records: ReadonlyMap<IncidentId, readonly IncidentRecord[]>;
  readonly outages: readonly Outage[];
  readonly orphans: readonly Orphan[];
}

/** Pairs all signals of one project (rules above). */
export function pairIncidents(signals: readonly Signal[], options: { readonly matching: Matching }): Pairing {
  const records = recordsByIncident(signals);
  const outages: Outage[] = [];
  const open: OpenOutage[] = [];
  const orphaned: IncidentRecord[] = [];
  for (const [incident_id, timeline] of records) {
    if (!timeline.some(({ kind }) => kind === "ALERT")) {
      orphaned.push(...timeline.filter(({ kind }) => kind === "RECOVERY"));
      continue;
    }
    let alerts: IncidentRecord[] = [];
    for (const record of timeline) {
      if (record.kind === "ALERT") alerts.push(record);
      if (record.kind !== "RECOVERY" || alerts.length === 0) continue;
      outages.push(...outageOf(alerts, { recovery: record, matched_by: "incident_id" }));
      alerts = [];
    }
    if (alerts.length > 0) open.push({ incident_id, alerts });
  }
  orphaned.sort((a, b) => compareTexts(a.effective_time, b.effective_time) || byIncidentId(a, b));
  const orphans = orphaned.map((orphan): Orphan => {
    const { incident_id, incident_time, event_id } = orphan;
    const found = bestCandidate(open, orphan, options.matching);
    if (found === undefined) return { incident_id, incident_time, event_id, matched: null };
    const { outage, alerts, matched_by } = found;
    outages.push(...outageOf(alerts, { recovery: orphan, matched_by }));
    outage.alerts = outage.alerts.slice(alerts.length);
    return {
      incident_id,
      incident_time,
      event_id,
      matched: { incident_id: outage.incident_id, by: matched_by },
    };
  });
  outages.push(...open.flatMap(({ alerts }) => outageOf(alerts, null)));
  return { records, outages, orphans };
}

/** The alerts of an outage that no RECOVERY of its own ends, in order; empty once orphans have ended all of it. */
interface OpenOutage {
  readonly incident_id: IncidentId;
  alerts: readonly IncidentRecord[];
}

// Rules 0, 1 and 5.
function recordsByIncident(signals: readonly Signal[]): Map<IncidentId, IncidentRecord[]> {
  const events = new Map<string, Signal>();
  for (const signal of signals) {
    const known = events.get(signal.event_id);
    if (known === undefined || signal.received_at < known.received_at) events.set(signal.event_id, signal);
  }
  const incidents = new Map<IncidentId, Map<string, IncidentRecord>>();
  for (const signal of events.values()) {
    const incident = incidents.get(signal.incident_id) ?? new Map<string, IncidentRecord>();
    incidents.set(signal.incident_id, incident);
    const key = recordKey(signal.kind, signal.incident_time);
    const known = incident.get(key);
    incident.set(key, known === undefined ? recordOf(signal) : withWebhook(known, signal));
  }
  return new Map(
    [...incidents].map(([incident_id, incident]) => [
      incident_id,
      [...incident.values()]
        .map((record) => withEffectiveTime(record, incident.get(recordKey("ALERT", record.incident_time))))
        .sort(byTimelineOrder),
    ]),
  );
}

const recordKey = (kind: Kind, time: Instant): string => `${kind ?? ""} ${time}`;

const recordOf = (signal: Signal): IncidentRecord => ({
  incident_id: signal.incident_id,
  kind: signal.kind,
  incident_time: signal.incident_time,
  effective_time: signal.incident_time,
  time_basis: "incident_time",
  event_id: signal.event_id,
  first_received_at: signal.received_at,
  last: signal,
  webhooks: 1,
});

function withWebhook(record: IncidentRecord, signal: Signal): IncidentRecord {
  const isFirst = isReceivedBefore(signal, { ...record, received_at: record.first_received_at });
  return {
    ...record,
    event_id: isFirst ? signal.event_id : record.event_id,
    first_received_at: isFirst ? signal.received_at : record.first_received_at,
    last: isReceivedBefore(record.last, signal) ? signal : record.last,
    webhooks: record.webhooks + 1,
  };
}

type Receipt = Pick<Signal, "received_at" | "event_id">;

const isReceivedBefore = (a: Receipt, b: Receipt): boolean =>
  (compareTexts(a.received_at, b.received_at) || compareTexts(a.event_id, b.event_id)) < 0;

function withEffectiveTime(record: IncidentRecord, alert: IncidentRecord | undefined): IncidentRecord {
  if (record.kind !== "RECOVERY" || alert === undefined) return record;
  const span = { earlier: alert.first_received_at, later: record.first_received_at };
  if (span.later <= span.earlier) return record;
  return { ...record, effective_time: shift(alert.incident_time, span), time_basis: "received" };
}

const placeOfKind = (kind: Kind): number => (kind === "ALERT" ? 0 : kind === "RECOVERY" ? 1 : 2);

const byTimelineOrder = (a: IncidentRecord, b: IncidentRecord): number =>
  compareTexts(a.effective_time, b.effective_time) ||
  placeOfKind(a.kind) - placeOfKind(b.kind) ||
  compareTexts(a.incident_time, b.incident_time);

// Rule 4's choice.
function bestCandidate(
  open: readonly OpenOutage[],
  orphan: IncidentRecord,
  matching: Matching,
):
  | {
      readonly outage: OpenOutage;
      readonly alerts: readonly IncidentRecord[];
      readonly matched_by: MatchedBy;
    }
  | undefined {
  if (matching === "incident") return undefined;
  const candidates = open.flatMap((outage) => {
    const alerts = outage.alerts.filter((alert) => alert.effective_time <= orphan.effective_time);
    const latest = alerts.at(-1);
    if (latest === undefined) return [];
    return [{ outage, alerts, latest: latest.effective_time, monitor_id: named(alerts, "monitor_id") }];
  });
  const monitor_id = orphan.last.monitor_id || null;
  const ofMonitor = monitor_id === null ? [] : candidates.filter((one) => one.monitor_id === monitor_id);
  const compatible = candidates.filter((one) => monitor_id === null || one.monitor_id === null);
  const allowed = ofMonitor.length > 0 ? ofMonitor : matching === "project" ? compatible : [];
  const best = allowed.reduce<(typeof allowed)[number] | undefined>((winner, one) => {
    if (winner === undefined) return one;
    const order = compareTexts(winner.latest, one.latest) || byIncidentId(one.outage, winner.outage);
    return order < 0 ? one : winner;
  }, undefined);
  return best && { ...best, matched_by: ofMonitor.length > 0 ? "monitor_id" : "project" };
}

function outageOf(
  alerts: readonly IncidentRecord[],
  ended: { readonly recovery: IncidentRecord; readonly matched_by: MatchedBy } | null,
): readonly Outage[] {
  const first = alerts[0];
  const latest = alerts.at(-1);
  if (first === undefined || latest === undefined) return [];
  const outage = {
    incident_id: first.incident_id,
    monitor_id: named(alerts, "monitor_id"),
    monitor_name: named(alerts, "monitor_name"),
    repo_uuid: named(alerts, "repo_uuid"),
    first_alert_at: first.effective_time,
    latest_alert_at: latest.effective_time,
    alerts: alerts.length,
    alert_event_id: latest.event_id,
  };
  if (ended === null) return [{ ...outage, recovery: null }];
  const later = ended.recovery.effective_time;
  const recovery: OutageRecovery = {
    recovered_at: later,
    recovered_at_basis: ended.recovery.time_basis,
    recovery_event_id: ended.recovery.event_id,
    matched_by: ended.matched_by,
    recovery_seconds: secondsBetween({ earlier: latest.effective_time, later }),
    outage_seconds: secondsBetween({ earlier: first.effective_time, later }),
  };
  return [{ ...outage, recovery }];
}

/** The most recent record's name that is given and not empty. */
function named<Field extends "monitor_id" | "monitor_name" | "repo_uuid">(
  records: readonly IncidentRecord[],
  field: Field,
): NonNullable<Signal[Field]> | null {
  return records.findLast(({ last }) => last[field])?.last[field] ?? null;
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By code point, which is the order of UTF-8's bytes. */
function byIncidentId(
  a: { readonly incident_id: IncidentId },
  b: { readonly incident_id: IncidentId },
): number {
  for (let index = 0; ; ) {
    const one = a.incident_id.codePointAt(index);
    const other = b.incident_id.codePointAt(index);
    if (one === undefined || other === undefined) return a.incident_id.length - b.incident_id.length;
    if (one !== other) return one - other;
    index += one > 0xffff ? 2 : 1;
  }
}
