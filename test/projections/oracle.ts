// What the rules of pairing say of one project's signals, worked out the plain way: everything at once, everything
// sorted anew, nothing remembered. It shares no code with the rules that the projector runs, and is slow on purpose.

export type OracleKind = "ALERT" | "RECOVERY" | "DISMISSAL" | "ACKNOWLEDGEMENT" | null;

/** One different webhook. Times are canonical text with nine digits of fraction. */
export interface OracleSignal {
  readonly event_id: string;
  readonly incident_id: string;
  readonly kind: OracleKind;
  readonly incident_time: string;
  readonly received_at: string;
  readonly exact: boolean;
  readonly reminder: boolean;
  readonly started_at?: string | undefined;
  readonly status: string;
  readonly source: string;
  readonly monitor_id?: string | undefined;
  readonly monitor_name?: string | undefined;
  readonly repo_uuid?: string | undefined;
  readonly message?: string | undefined;
}

export interface OracleRecord {
  readonly incident_id: string;
  readonly kind: OracleKind;
  readonly incident_time: string;
  readonly effective_ns: bigint;
  readonly is_echo: boolean;
  readonly event_id: string;
  readonly first_received_at: string;
  readonly last: OracleSignal;
  readonly webhooks: number;
  readonly exact: boolean;
  readonly reminder: boolean;
  readonly started_ns: bigint | null;
}

export interface OracleOutage {
  readonly incident_id: string;
  /** The record that opened it. */
  readonly opened_by: OracleRecord;
  readonly alerts: readonly OracleRecord[];
  readonly first_ns: bigint;
  readonly latest_ns: bigint;
  /** The latest ALERT that has a record. */
  readonly latest_alert: OracleRecord | null;
  readonly end: OracleRecord | null;
  readonly matched_by: "incident_id" | "monitor_id" | "project" | null;
}

export interface OracleOrphan {
  readonly record: OracleRecord;
  readonly matched_incident_id: string | null;
}

export interface OracleProject {
  /** By incident, each in timeline order. */
  readonly records: ReadonlyMap<string, readonly OracleRecord[]>;
  readonly outages: readonly OracleOutage[];
  readonly orphans: readonly OracleOrphan[];
  /** RECOVERYs and DISMISSALs that end nothing although their incident has ALERTs or outages, or that dismiss nothing. */
  readonly surplus: readonly OracleRecord[];
}

export type OracleMatching = "incident" | "monitor" | "project";

/** Rules 0 to 6 over all signals of one project; an event given twice counts with its smallest received_at. */
export function oracle(signals: readonly OracleSignal[], matching: OracleMatching): OracleProject {
  const records = timelines(signals);
  const outages: OracleOutage[] = [];
  const surplus: OracleRecord[] = [];
  const unmatched: OracleRecord[] = [];
  for (const timeline of records.values()) {
    const own = pairedWithin(timeline);
    outages.push(...own.outages);
    const hasAlert = timeline.some(({ kind }) => kind === "ALERT");
    for (const record of own.unused) {
      const isOrphan = record.kind === "RECOVERY" && !hasAlert && own.outages.length === 0;
      (isOrphan ? unmatched : surplus).push(record);
    }
  }
  unmatched.sort(
    (a, b) => compare(a.effective_ns, b.effective_ns) || byCodePoint(a.incident_id, b.incident_id),
  );
  const orphans = unmatched.map((record): OracleOrphan => {
    const found = record.exact ? undefined : choice(outages, record, matching);
    if (found === undefined) return { record, matched_incident_id: null };
    const { outage, matched_by } = found;
    const before = outage.alerts.filter((alert) => alert.effective_ns <= record.effective_ns);
    const after = outage.alerts.filter((alert) => alert.effective_ns > record.effective_ns);
    outages.splice(outages.indexOf(outage), 1, outageOf(before, { end: record, matched_by, start: null }));
    if (after.length > 0) outages.push(outageOf(after, open));
    return { record, matched_incident_id: outage.incident_id };
  });
  return { records, outages, orphans, surplus };
}

const open = { end: null, matched_by: null, start: null } as const;

// Rules 0, 1 and 5.
function timelines(signals: readonly OracleSignal[]): Map<string, OracleRecord[]> {
  const smallest = new Map<string, OracleSignal>();
  for (const signal of signals) {
    const known = smallest.get(signal.event_id);
    if (known === undefined || signal.received_at < known.received_at) smallest.set(signal.event_id, signal);
  }
  const timelines = new Map<string, OracleRecord[]>();
  for (const [incident_id, ofIncident] of Map.groupBy(smallest.values(), (signal) => signal.incident_id)) {
    const moments = Map.groupBy(ofIncident, ({ incident_time }) => incident_time);
    const timeline = [...moments.values()].flatMap((ofMoment) => {
      const records = [...Map.groupBy(ofMoment, ({ kind }) => kind).values()].map(recordOf);
      return records.map((record) => echoed(record, records));
    });
    timelines.set(incident_id, timeline.sort(byTimeline));
  }
  return timelines;
}

// Rule 0.
function recordOf(webhooks: readonly OracleSignal[]): OracleRecord {
  const inOrder = [...webhooks].sort(
    (a, b) => compare(a.received_at, b.received_at) || compare(a.event_id, b.event_id),
  );
  const first = inOrder[0];
  const last = inOrder.at(-1);
  if (first === undefined || last === undefined) throw new Error("A record has at least one webhook.");
  const start = inOrder.findLast(({ started_at }) => started_at !== undefined)?.started_at;
  return {
    incident_id: first.incident_id,
    kind: first.kind,
    incident_time: first.incident_time,
    effective_ns: nanoseconds(first.incident_time),
    is_echo: false,
    event_id: first.event_id,
    first_received_at: first.received_at,
    last,
    webhooks: inOrder.length,
    exact: inOrder.some(({ exact }) => exact),
    reminder: inOrder.every(({ reminder }) => reminder),
    started_ns: start === undefined ? null : nanoseconds(start),
  };
}

// Rule 5.
function echoed(record: OracleRecord, all: readonly OracleRecord[]): OracleRecord {
  if (record.kind !== "RECOVERY" || record.exact) return record;
  const alert = all.find((one) => one.kind === "ALERT" && one.incident_time === record.incident_time);
  if (alert === undefined) return record;
  const took = nanoseconds(record.first_received_at) - nanoseconds(alert.first_received_at);
  return took > 0n
    ? { ...record, effective_ns: withinRange(alert.effective_ns + took), is_echo: true }
    : record;
}

// Rules 2 and 3: one incident by itself, and the RECOVERYs and DISMISSALs that end nothing in it.
function pairedWithin(timeline: readonly OracleRecord[]): {
  readonly outages: readonly OracleOutage[];
  readonly unused: readonly OracleRecord[];
} {
  const outages: OracleOutage[] = [];
  const unused: OracleRecord[] = [];
  let alerts: OracleRecord[] = [];
  let lastEnd: bigint | undefined;
  for (const record of timeline) {
    if (record.kind === "ALERT") alerts.push(record);
    if (record.kind !== "RECOVERY" && record.kind !== "DISMISSAL") continue;
    const start = usableStart(record, lastEnd);
    if (alerts.length === 0 && start === null) {
      unused.push(record);
      continue;
    }
    outages.push(outageOf(alerts, { end: record, matched_by: "incident_id", start }));
    alerts = [];
    lastEnd = record.effective_ns;
  }
  if (alerts.length > 0) outages.push(outageOf(alerts, open));
  return { outages, unused };
}

function usableStart(record: OracleRecord, lastEnd: bigint | undefined): bigint | null {
  const start = record.started_ns;
  if (record.kind !== "RECOVERY" || !record.exact || start === null) return null;
  if (start >= record.effective_ns || (lastEnd !== undefined && start < lastEnd)) return null;
  return start;
}

function outageOf(
  alerts: readonly OracleRecord[],
  by: Pick<OracleOutage, "end" | "matched_by"> & { readonly start: bigint | null },
): OracleOutage {
  const told = alerts.map(({ effective_ns, reminder }) => ({ at: effective_ns, restarts: !reminder }));
  if (by.start !== null) told.push({ at: by.start, restarts: true });
  told.sort((a, b) => compare(a.at, b.at));
  const first = told[0];
  const opened_by = alerts[0] ?? by.end;
  if (first === undefined || opened_by === null) throw new Error("An outage has a start.");
  return {
    incident_id: opened_by.incident_id,
    opened_by,
    alerts,
    first_ns: first.at,
    latest_ns: told.slice(1).findLast(({ restarts }) => restarts)?.at ?? first.at,
    latest_alert: alerts.slice(1).findLast(({ reminder }) => !reminder) ?? alerts[0] ?? null,
    end: by.end,
    matched_by: by.matched_by,
  };
}

// Rule 4's choice.
function choice(
  outages: readonly OracleOutage[],
  orphan: OracleRecord,
  matching: OracleMatching,
): { readonly outage: OracleOutage; readonly matched_by: "monitor_id" | "project" } | undefined {
  const candidates = outages.flatMap((outage) => {
    if (outage.end !== null || outage.alerts.some(({ exact }) => exact)) return [];
    const before = outage.alerts.filter(({ effective_ns }) => effective_ns <= orphan.effective_ns);
    const latest = before.at(-1);
    return latest === undefined
      ? []
      : [{ outage, latest: latest.effective_ns, monitor_id: named(before, "monitor_id") }];
  });
  candidates.sort(
    (a, b) => compare(b.latest, a.latest) || byCodePoint(a.outage.incident_id, b.outage.incident_id),
  );
  const asked = orphan.last.monitor_id || null;
  const ofMonitor = asked === null ? undefined : candidates.find(({ monitor_id }) => monitor_id === asked);
  const ofProject = candidates.find(({ monitor_id }) => asked === null || monitor_id === null);
  if (matching === "incident") return undefined;
  if (ofMonitor !== undefined) return { outage: ofMonitor.outage, matched_by: "monitor_id" };
  return matching === "project" && ofProject !== undefined
    ? { outage: ofProject.outage, matched_by: "project" }
    : undefined;
}

/** The most recent record's name that is given and not empty. */
export const named = (
  records: readonly OracleRecord[],
  field: "monitor_id" | "monitor_name" | "repo_uuid",
): string | null => records.findLast(({ last }) => last[field])?.last[field] ?? null;

/** Nanoseconds since the year 1970 of `YYYY-MM-DDTHH:mm:ss.nnnnnnnnnZ`. */
export const nanoseconds = (text: string): bigint =>
  BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000_000n + BigInt(text.slice(20, 29));

const earliest = nanoseconds("0001-01-01T00:00:00.000000000Z");
const latest = nanoseconds("9999-12-31T23:59:59.999999999Z");
const withinRange = (ns: bigint): bigint => (ns < earliest ? earliest : ns > latest ? latest : ns);

const places = ["ALERT", "DISMISSAL", "RECOVERY"];
const place = (kind: OracleKind): number =>
  places.includes(String(kind)) ? places.indexOf(String(kind)) : 3;

const byTimeline = (a: OracleRecord, b: OracleRecord): number =>
  compare(a.effective_ns, b.effective_ns) ||
  place(a.kind) - place(b.kind) ||
  compare(a.incident_time, b.incident_time) ||
  compare(a.event_id, b.event_id);

const compare = (a: bigint | string, b: bigint | string): number => (a < b ? -1 : a > b ? 1 : 0);

const byCodePoint = (a: string, b: string): number => {
  const [one, other] = [[...a], [...b]];
  for (let index = 0; index < Math.min(one.length, other.length); index++) {
    const order = (one[index]?.codePointAt(0) ?? 0) - (other[index]?.codePointAt(0) ?? 0);
    if (order !== 0) return order;
  }
  return one.length - other.length;
};
