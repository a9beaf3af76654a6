// The rules of pairing (pairing.ts) over all signals of one project at once.

import type { IncidentId } from "./ids.ts";
import { byOrphanOrder, chooseOutage, compareCodePoints, type OrphanMatch, splitAlerts } from "./orphans.ts";
import {
  type Alerts,
  advance,
  type Counts,
  countOf,
  type EndedOutage,
  emptyCounts,
  emptyTail,
  ending,
  isOrphaned,
} from "./pairing.ts";
import {
  byTimelineOrder,
  type IncidentRecord,
  isReceivedBefore,
  recordOf,
  type Webhook,
  withEffectiveTime,
  withWebhook,
} from "./records.ts";
import type { Matching, Signal } from "./signal.ts";

export interface OpenOutage {
  readonly incident_id: IncidentId;
  readonly alerts: Alerts;
}

/** Rule 4's orphan, and the incident whose outage it ended. */
export interface Orphan {
  readonly incident_id: IncidentId;
  readonly record: IncidentRecord<SignalWebhook>;
  readonly matched: { readonly incident_id: IncidentId; readonly by: OrphanMatch } | null;
}

export interface PairedIncident {
  /** In timeline order. */
  readonly records: readonly IncidentRecord<SignalWebhook>[];
  readonly counts: Counts;
}

export interface Pairing {
  readonly incidents: ReadonlyMap<IncidentId, PairedIncident>;
  readonly ended: readonly (EndedOutage & { readonly incident_id: IncidentId })[];
  readonly open: readonly OpenOutage[];
  readonly orphans: readonly Orphan[];
}

type SignalWebhook = Webhook & { readonly signal: Signal };

export function pairProject(
  signals: readonly Signal[],
  { matching }: { readonly matching: Matching },
): Pairing {
  const incidents = new Map<IncidentId, PairedIncident>();
  const ended: (EndedOutage & { incident_id: IncidentId })[] = [];
  const open = new Map<IncidentId, Alerts>();
  const unmatched: { incident_id: IncidentId; record: IncidentRecord<SignalWebhook> }[] = [];
  for (const [incident_id, records] of timelines(signals)) {
    let tail = emptyTail;
    const counts = { ...emptyCounts };
    for (const record of records) {
      const step = advance(tail, record);
      tail = step.tail;
      counts[countOf(record.kind)] += 1;
      if (step.ended !== null) {
        counts.ended += 1;
        ended.push({ ...step.ended, incident_id });
      }
    }
    incidents.set(incident_id, { records, counts });
    if (tail.open !== null) open.set(incident_id, tail.open);
    if (!isOrphaned(counts)) continue;
    for (const record of records) if (record.kind === "RECOVERY") unmatched.push({ incident_id, record });
  }
  unmatched.sort((a, b) =>
    byOrphanOrder({ ...a, at: a.record.effective_time }, { ...b, at: b.record.effective_time }),
  );
  const orphans = unmatched.map(({ incident_id, record }): Orphan => {
    const at = record.effective_time;
    const found = record.exact ? undefined : chooseOutage(candidatesAt(at), record.last, matching);
    if (found === undefined) return { incident_id, record, matched: null };
    const { candidate, matched_by } = found;
    const { before, after } = splitAlerts(openAlerts(candidate.incident_id), at);
    ended.push({
      ...ending(before, record, { matched_by, start: null }),
      incident_id: candidate.incident_id,
    });
    if (after === null) open.delete(candidate.incident_id);
    else open.set(candidate.incident_id, after);
    return { incident_id, record, matched: { incident_id: candidate.incident_id, by: matched_by } };
  });
  return {
    incidents,
    ended,
    orphans,
    open: [...open].map(([incident_id, alerts]) => ({ incident_id, alerts })),
  };

  function openAlerts(incident_id: IncidentId): readonly IncidentRecord[] {
    const since = open.get(incident_id)?.first.at ?? "";
    const records = incidents.get(incident_id)?.records ?? [];
    return records.filter(({ kind, effective_time }) => kind === "ALERT" && effective_time >= since);
  }

  function candidatesAt(at: IncidentRecord["effective_time"]) {
    return [...open].flatMap(([incident_id, alerts]) => {
      const { before } = splitAlerts(openAlerts(incident_id), at);
      return before === null || alerts.exact
        ? []
        : [{ incident_id, monitor_id: before.monitor_id, last_at: before.last_at }];
    });
  }
}

// Rules 0, 1 and 5.
function timelines(signals: readonly Signal[]): Map<IncidentId, IncidentRecord<SignalWebhook>[]> {
  const events = new Map<string, Signal>();
  for (const signal of signals) {
    const known = events.get(signal.event_id);
    if (known === undefined || isReceivedBefore(signal, known)) events.set(signal.event_id, signal);
  }
  const incidents = Map.groupBy(events.values(), ({ incident_id }) => incident_id);
  const inOrder = [...incidents].sort(([a], [b]) => compareCodePoints(a, b));
  return new Map(inOrder.map(([incident_id, webhooks]) => [incident_id, timeline(webhooks.map(webhookOf))]));
}

function timeline(webhooks: readonly SignalWebhook[]): IncidentRecord<SignalWebhook>[] {
  const records = new Map<string, IncidentRecord<SignalWebhook>>();
  for (const webhook of webhooks) {
    const key = `${webhook.kind} ${webhook.incident_time}`;
    const known = records.get(key);
    records.set(key, known === undefined ? recordOf(webhook) : withWebhook(known, webhook));
  }
  return [...records.values()]
    .map((record) => withEffectiveTime(record, records.get(`ALERT ${record.incident_time}`)))
    .sort(byTimelineOrder);
}

const webhookOf = (signal: Signal): SignalWebhook => ({
  event_id: signal.event_id,
  received_at: signal.received_at,
  kind: signal.kind,
  incident_time: signal.incident_time,
  exact: signal.exact,
  reminder: signal.reminder,
  started_at: signal.started_at ?? null,
  monitor_id: signal.monitor_id ?? null,
  monitor_name: signal.monitor_name ?? null,
  repo_uuid: signal.repo_uuid ?? null,
  signal,
});
