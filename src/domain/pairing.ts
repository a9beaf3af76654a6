// The rules by which alerts and recoveries of one project are paired, whatever order or however often its webhooks
// arrive: the answer is a function of the set of webhooks. Knows no clock, no log position and no store.
//
// 0. A record is all webhooks of one incident, incident_time and kind. Its id is that of the webhook first received,
//    its descriptive fields are those of the webhook last received (equal receive times: by event id). It is exact if
//    any of its webhooks is, a reminder only if all are. (records.ts)
// 1. An incident's records are sorted by effective time (rule 5); at equal times ALERT, DISMISSAL, RECOVERY, then the
//    other kinds, then by incident_time, then by id. (records.ts)
// 2. An ALERT opens an outage if none is open, else it is a repeat: it counts, and becomes the outage's latest alert
//    unless it is a reminder.
// 3. A RECOVERY ends the open outage. An exact one may name its own start: one before its effective time, and not before
//    the end of the incident's outage before, is an ALERT without a record. Where no outage is open, the RECOVERY then is
//    a whole outage. One that finds no open outage and has no such start, though its incident has ALERTs or outages, is
//    surplus: kept, shown, paired with nothing. A DISMISSAL ends the open outage without a recovery, else it is surplus.
// 4. A RECOVERY of an incident with neither ALERTs nor outages is an orphan. After all incidents of the project have been
//    paired, the orphans that are not exact are matched with outages that are still open. (orphans.ts)
// 5. Effective time is incident_time, but for a RECOVERY, not exact, that repeats the time of an ALERT which was first
//    received earlier: then it is that time plus the time between the two receipts. (records.ts)
// 6. No duration is negative. Nothing is dropped: every ALERT is in one outage, every RECOVERY and DISMISSAL ends one, is
//    an orphan, or is surplus.
// 7. A duration is whole microseconds, rounded down where the pair is made.

import { type Instant, microsecondsBetween } from "./instant.ts";
import { compareTexts, type IncidentRecord, type Name, startOf } from "./records.ts";
import type { Kind, MatchedBy } from "./signal.ts";

/** One moment of an ALERT, and the event of its record. */
export interface AlertMark {
  readonly at: Instant;
  readonly event_id: string;
}

export interface Names {
  readonly monitor_id: Name | null;
  readonly monitor_name: Name | null;
  readonly repo_uuid: Name | null;
}

/** What the ALERT records of one outage come to. Each name is that of the most recent ALERT that gives it. */
export interface Alerts extends Names {
  readonly count: number;
  /** Whether any of them is. */
  readonly exact: boolean;
  readonly first: AlertMark;
  /** The latest that is no reminder; null where all are. */
  readonly latest: AlertMark | null;
  /** The most recent one, reminder or not. */
  readonly last_at: Instant;
}

/** Where an incident stands after its records in timeline order, as far as later records can tell. */
export interface Tail {
  /** Effective time of the last RECOVERY or DISMISSAL, whatever it ended. */
  readonly ender_at: Instant | null;
  /** When the incident's last outage ended, by rule 3. */
  readonly ended_at: Instant | null;
  readonly open: Alerts | null;
}

export interface EndedOutage extends Names {
  readonly ended_at: Instant;
  /** The ALERT or, without any, the RECOVERY that opened it. */
  readonly opened: { readonly kind: "ALERT" | "RECOVERY"; readonly incident_time: Instant };
  readonly first_alert_at: Instant;
  readonly latest_alert_at: Instant;
  readonly alerts: number;
  /** Of the latest alert that has a record. */
  readonly alert_event_id: string | null;
  readonly end_event_id: string;
  /** Null for one that a DISMISSAL ended. */
  readonly recovery: {
    readonly matched_by: MatchedBy;
    readonly basis: "incident_time" | "received";
    /** From the latest alert, in microseconds. */
    readonly recovery_us: bigint;
    /** From the first. */
    readonly outage_us: bigint;
  } | null;
}

export const emptyTail: Tail = { ender_at: null, ended_at: null, open: null };

/** Whether `advance` may take the record although it comes after others: its place is behind all that matter to it. */
export function mayAdvance(tail: Tail, record: IncidentRecord): boolean {
  const at = record.effective_time;
  switch (record.kind) {
    case "ALERT":
      return (
        (tail.ender_at === null || at > tail.ender_at) && (tail.open === null || mayJoin(tail.open, record))
      );
    case "RECOVERY":
    case "DISMISSAL":
      return (
        (tail.ender_at === null || at > tail.ender_at) && (tail.open === null || at >= tail.open.last_at)
      );
    case "ACKNOWLEDGEMENT":
    case null:
      return true;
    default:
      return record.kind satisfies never;
  }
}

/** Rules 2 and 3: the incident's next record. `ended` is what it ended, if anything. */
export function advance(
  tail: Tail,
  record: IncidentRecord,
): { readonly tail: Tail; readonly ended: EndedOutage | null } {
  switch (record.kind) {
    case "ALERT":
      return { tail: { ...tail, open: withAlert(tail.open, record) }, ended: null };
    case "RECOVERY":
    case "DISMISSAL": {
      const ender_at = record.effective_time;
      const start = usableStart(tail, record);
      if (tail.open === null && start === null) return { tail: { ...tail, ender_at }, ended: null };
      const ended = ending(tail.open, record, { matched_by: "incident_id", start });
      return { tail: { ender_at, ended_at: ender_at, open: null }, ended };
    }
    case "ACKNOWLEDGEMENT":
    case null:
      return { tail, ended: null };
    default:
      return record.kind satisfies never;
  }
}

// Rule 3.
function usableStart(tail: Tail, record: IncidentRecord): Instant | null {
  const start = startOf(record);
  if (start === null || record.kind !== "RECOVERY" || !record.exact) return null;
  const isUsable = start < record.effective_time && (tail.ended_at === null || start >= tail.ended_at);
  return isUsable ? start : null;
}

/** Whether `withAlert` gives the same whichever came first: it must be known which of two names is the more recent. */
function mayJoin(alerts: Alerts, record: IncidentRecord): boolean {
  if (record.effective_time > alerts.last_at) return true;
  const { monitor_id, monitor_name, repo_uuid } = record.last;
  return (
    isCompatible(alerts.monitor_id, monitor_id) &&
    isCompatible(alerts.monitor_name, monitor_name) &&
    isCompatible(alerts.repo_uuid, repo_uuid)
  );
}

const isCompatible = (known: Name | null, other: Name | null): boolean =>
  known === null || !other || known === other;

/** Rule 2: the outage's ALERTs with one more, wherever its place is among them. */
export function withAlert(alerts: Alerts | null, record: IncidentRecord): Alerts {
  const { effective_time: at, last } = record;
  const mark = { at, event_id: record.first.event_id };
  const latest = record.reminder ? null : mark;
  if (alerts === null) {
    return { count: 1, exact: record.exact, first: mark, latest, last_at: at, ...namesOf(record) };
  }
  const isLast = at > alerts.last_at;
  return {
    count: alerts.count + 1,
    exact: alerts.exact || record.exact,
    first: at < alerts.first.at ? mark : alerts.first,
    latest: latest !== null && (alerts.latest === null || at > alerts.latest.at) ? latest : alerts.latest,
    last_at: isLast ? at : alerts.last_at,
    monitor_id: (isLast && last.monitor_id) || alerts.monitor_id || last.monitor_id || null,
    monitor_name: (isLast && last.monitor_name) || alerts.monitor_name || last.monitor_name || null,
    repo_uuid: (isLast && last.repo_uuid) || alerts.repo_uuid || last.repo_uuid || null,
  };
}

/** The names that a record gives. */
export const namesOf = ({ last }: IncidentRecord): Names => ({
  monitor_id: last.monitor_id || null,
  monitor_name: last.monitor_name || null,
  repo_uuid: last.repo_uuid || null,
});

/** The outage that a RECOVERY or DISMISSAL ends. One of the ALERTs and the start may be missing, not both. */
export function ending(
  alerts: Alerts | null,
  ender: IncidentRecord,
  { matched_by, start }: { readonly matched_by: MatchedBy; readonly start: Instant | null },
): EndedOutage {
  const ended_at = ender.effective_time;
  const firstAlert = alerts?.first ?? null;
  const latestAlert = alerts === null ? null : (alerts.latest ?? alerts.first);
  const first_alert_at = earlier(firstAlert?.at ?? null, start);
  // The first ALERT opens the outage even where it is a reminder; a start is none.
  const restarts = [alerts?.latest?.at ?? null, start].filter((at) => at !== null).sort(compareTexts);
  const latest_alert_at = restarts.at(-1) ?? first_alert_at;
  return {
    ended_at,
    opened:
      firstAlert === null
        ? { kind: "RECOVERY", incident_time: ender.incident_time }
        : { kind: "ALERT", incident_time: firstAlert.at },
    first_alert_at,
    latest_alert_at,
    alerts: alerts?.count ?? 0,
    alert_event_id: latestAlert?.event_id ?? null,
    end_event_id: ender.first.event_id,
    ...(alerts === null ? namesOf(ender) : { ...pickNames(alerts) }),
    recovery:
      ender.kind === "DISMISSAL"
        ? null
        : {
            matched_by,
            basis: ender.is_echo ? "received" : "incident_time",
            recovery_us: microsecondsBetween({ earlier: latest_alert_at, later: ended_at }),
            outage_us: microsecondsBetween({ earlier: first_alert_at, later: ended_at }),
          },
  };
}

const pickNames = ({ monitor_id, monitor_name, repo_uuid }: Names): Names => ({
  monitor_id,
  monitor_name,
  repo_uuid,
});

function earlier(a: Instant | null, b: Instant | null): Instant {
  const first = a === null || (b !== null && b < a) ? b : a;
  if (first === null) throw new Error("An outage has an ALERT or a start");
  return first;
}

/** Rule 4: whether an incident's RECOVERYs are orphans. A usable start makes an outage. */
export const isOrphaned = (incident: { readonly alerts: number; readonly ended: number }): boolean =>
  incident.alerts === 0 && incident.ended === 0;

/** How many of an incident's records are of each kind, and how many outages its own records ended. */
export interface Counts {
  readonly alerts: number;
  readonly recoveries: number;
  readonly dismissals: number;
  readonly acknowledgements: number;
  readonly unmapped: number;
  readonly ended: number;
}

export const emptyCounts: Counts = {
  alerts: 0,
  recoveries: 0,
  dismissals: 0,
  acknowledgements: 0,
  unmapped: 0,
  ended: 0,
};

/** The field that counts records of a kind. */
export function countOf(kind: Kind): Exclude<keyof Counts, "ended"> {
  switch (kind) {
    case "ALERT":
      return "alerts";
    case "RECOVERY":
      return "recoveries";
    case "DISMISSAL":
      return "dismissals";
    case "ACKNOWLEDGEMENT":
      return "acknowledgements";
    case null:
      return "unmapped";
    default:
      return kind satisfies never;
  }
}

/** Rule 6. */
export function leftOver(counts: Counts): { readonly orphans: number; readonly surplus: number } {
  const orphans = isOrphaned(counts) ? counts.recoveries : 0;
  return { orphans, surplus: counts.recoveries + counts.dismissals - counts.ended - orphans };
}
