// Rule 4 for one project after a batch: from the first orphan on that the batch may concern, matches are undone, and the
// orphans are matched again in time order. Knows the rule's choice only from src/domain/orphans.ts.

import type { Instant } from "../../src/domain/instant.ts";
import { byOrphanOrder, type Candidate, chooseOutage, splitAlerts } from "../../src/domain/orphans.ts";
import { type Alerts, type EndedOutage, ending, withAlert } from "../../src/domain/pairing.ts";
import { recordOf } from "../../src/domain/records.ts";
import type { Matching } from "../../src/domain/signal.ts";
import type { RecordChange } from "./moments.ts";
import { timelineNow } from "./rework.ts";
import type { Incident, IncidentsStore, OrphanRow, SignalRecord } from "./store.ts";

/** What the batch has made of the project so far; matching changes it further. */
export interface ProjectDraft {
  readonly project: number;
  readonly matching: Matching;
  /** The incidents in their present state that the batch has changed or that matching has looked at. */
  readonly incident: (number: number) => Incident | undefined;
  readonly incidents: () => readonly Incident[];
  /** Undefined where its records have to be looked at. */
  readonly growth: (incident: number) => Growth | undefined;
  readonly load: (numbers: readonly number[]) => Promise<void>;
  readonly update: (incident: Incident, growth: Growth | undefined) => void;
  /** What the batch changes in an incident's records. */
  readonly changes: (incident: number) => readonly RecordChange[];
  readonly putOutage: (incident: Incident, outage: EndedOutage) => void;
  readonly removeOutage: (incident: number, ended_at: Instant) => void;
  readonly putOrphan: (orphan: OrphanRow) => void;
}

/**
 * How an incident's shown outage came to be in this batch: what it was before, and the ALERTs that joined it. As long as
 * no moment within `before` is asked about, the outage as of any moment is told from these.
 */
export interface Growth {
  readonly before: Alerts | null;
  readonly joined: readonly SignalRecord[];
}

export interface OrphanChanges {
  readonly since: Instant;
  /** Orphans as they are stored whose record is no orphan any more, or another one. */
  readonly gone: readonly OrphanRow[];
  /** New ones, or in another form; not matched yet. */
  readonly made: readonly OrphanRow[];
}

/** `known` are the project's orphans from `since` on, as they are stored. */
export async function matchOrphans(
  store: IncidentsStore,
  draft: ProjectDraft,
  known: readonly OrphanRow[],
  { since, gone, made }: OrphanChanges,
): Promise<void> {
  const isMade = new Set(made);
  const isReplaced = new Set([...gone, ...made].map(keyOf));
  const kept = known.filter((orphan) => !isReplaced.has(keyOf(orphan)));
  await undo(store, draft, [...kept, ...gone], since);
  const orphans = [...kept, ...made].sort(byOrphanOrder);
  const found = await findCandidates(store, draft, orphans);
  /** Incidents found for a later orphan that an earlier one has ended: behind them another one may be the best. */
  const ended = new Set<number>();
  for (const [place, orphan] of orphans.entries()) {
    if (found[place]?.some((incident) => ended.has(incident))) await findCandidates(store, draft, [orphan]);
    const match = await matchOne(store, draft, orphan);
    if (match !== undefined) ended.add(match.incident);
    const matched_incident = match?.incident ?? null;
    const matched_by = match?.matched_by ?? null;
    const isKept = orphan.matched_incident === matched_incident && orphan.matched_by === matched_by;
    if (!isKept || isMade.has(orphan)) draft.putOrphan({ ...orphan, matched_incident, matched_by });
  }
}

/** Brings the best incidents that the batch has not looked at yet into the draft. */
async function findCandidates(
  store: IncidentsStore,
  draft: ProjectDraft,
  orphans: readonly OrphanRow[],
): Promise<readonly (readonly number[])[]> {
  if (draft.matching === "incident" || orphans.length === 0) return [];
  const looked = draft.incidents().map(({ incident }) => incident);
  const found = await store.candidates(draft.project, orphans, looked);
  await draft.load([...new Set(found.flat())]);
  return found;
}

const keyOf = ({ incident, at }: OrphanRow): string => `${incident} ${at}`;

/** Takes the matches of these orphans back; their hosts are as earlier orphans left them. */
async function undo(
  store: IncidentsStore,
  draft: ProjectDraft,
  orphans: readonly OrphanRow[],
  since: Instant,
): Promise<void> {
  const matches = Map.groupBy(
    orphans.filter(({ matched_incident }) => matched_incident !== null),
    ({ matched_incident }) => matched_incident as number,
  );
  await draft.load([...matches.keys()]);
  for (const [number, undone] of matches) {
    const host = draft.incident(number);
    if (host === undefined) continue;
    for (const { at } of undone) draft.removeOutage(number, at);
    const matched = host.matched - undone.length;
    const until = matched === 0 ? null : ((await store.lastMatchBefore(number, since)) ?? null);
    const rest = until === null ? null : splitAlerts(await openAlerts(store, draft, host), until).after;
    draft.update({ ...host, matched, matched_until: until, rest }, undefined);
  }
}

/** The ALERTs of the open outage by the incident's own records, parts that orphans ended included. */
async function openAlerts(
  store: IncidentsStore,
  draft: ProjectDraft,
  { incident, tail }: Incident,
): Promise<SignalRecord[]> {
  const alerts: SignalRecord[] = [];
  for await (const record of timelineNow(store, incident, tail.ender_at, draft.changes(incident))) {
    if (record.kind === "ALERT") alerts.push(record);
  }
  return alerts;
}

/** What orphans can see of an incident's open outage. */
export const shownOutage = ({ tail, matched_until, rest }: Incident): Alerts | null =>
  matched_until === null ? tail.open : rest;

interface OpenCandidate extends Candidate {
  readonly number: number;
  readonly before: Alerts;
  readonly after: Alerts | null;
}

async function matchOne(
  store: IncidentsStore,
  draft: ProjectDraft,
  orphan: OrphanRow,
): Promise<{ readonly incident: number; readonly matched_by: "monitor_id" | "project" } | undefined> {
  if (draft.matching === "incident") return undefined;
  const candidates: OpenCandidate[] = [];
  for (const incident of draft.incidents()) {
    const shown = shownOutage(incident);
    if (shown === null || shown.exact || shown.first.at > orphan.at) continue;
    const growth = draft.growth(incident.incident);
    if (isOfOtherMonitor(shown, growth, orphan)) continue;
    const parts = partsOf(shown, growth, orphan.at);
    const { before, after } = parts ?? (await loadedParts(store, draft, incident, orphan.at));
    if (before === null) continue;
    const { monitor_id, last_at } = before;
    const { incident_id, incident: number } = incident;
    candidates.push({ incident_id, number, monitor_id, last_at, before, after });
  }
  const choice = chooseOutage(candidates, orphan, draft.matching);
  const host = choice && draft.incident(choice.candidate.number);
  if (choice === undefined || host === undefined) return undefined;
  const { candidate, matched_by } = choice;
  draft.putOutage(host, ending(candidate.before, recoveryOf(orphan), { matched_by, start: null }));
  const growth = draft.growth(host.incident);
  draft.update(
    { ...host, matched: host.matched + 1, matched_until: orphan.at, rest: candidate.after },
    growthBehind(growth, orphan.at),
  );
  return { incident: host.incident, matched_by };
}

/** Whether the outage has one monitor_id from before the orphan on, and the orphan has another. */
function isOfOtherMonitor(
  shown: Alerts,
  growth: Growth | undefined,
  { at, monitor_id: asked }: Pick<OrphanRow, "at" | "monitor_id">,
): boolean {
  const own = shown.monitor_id;
  if (asked === null || own === null || own === asked || growth === undefined) return false;
  const { before, joined } = growth;
  if (before === null) return joined.every(({ last }) => last.monitor_id === own);
  const isSame = (name: number | null): boolean => !name || name === own;
  return (
    before.last_at <= at && before.monitor_id === own && joined.every(({ last }) => isSame(last.monitor_id))
  );
}

/** How what a match leaves of an outage has grown; undefined where ALERTs from before the batch are left too. */
function growthBehind(growth: Growth | undefined, at: Instant): Growth | undefined {
  if (growth === undefined || (growth.before !== null && growth.before.last_at > at)) return undefined;
  return { before: null, joined: growth.joined.filter(({ effective_time }) => effective_time > at) };
}

interface Parts {
  readonly before: Alerts | null;
  readonly after: Alerts | null;
}

/** The outage up to a moment and behind it; undefined where its records have to be looked at. */
function partsOf(shown: Alerts, growth: Growth | undefined, at: Instant): Parts | undefined {
  if (shown.last_at <= at) return { before: shown, after: null };
  if (growth === undefined || (growth.before !== null && growth.before.last_at > at)) return undefined;
  let { before } = growth;
  let after: Alerts | null = null;
  for (const alert of growth.joined) {
    if (alert.effective_time <= at) before = withAlert(before, alert);
    else after = withAlert(after, alert);
  }
  return { before, after };
}

async function loadedParts(
  store: IncidentsStore,
  draft: ProjectDraft,
  incident: Incident,
  at: Instant,
): Promise<Parts> {
  const since = shownOutage(incident)?.first.at ?? at;
  const alerts = await openAlerts(store, draft, incident);
  return splitAlerts(
    alerts.filter(({ effective_time }) => effective_time >= since),
    at,
  );
}

/** An orphan as the record that it is, as far as the end of an outage shows it. */
const recoveryOf = ({ event_id, at, monitor_id }: OrphanRow) =>
  recordOf({
    event_id,
    received_at: at,
    kind: "RECOVERY",
    incident_time: at,
    exact: false,
    reminder: false,
    started_at: null,
    monitor_id,
    monitor_name: null,
    repo_uuid: null,
  });
