// Where an incident stands after changes to its records: counts, first and last times, names. What comes behind all
// others is told from the changes alone; else the store is asked.

import type { Instant } from "../../src/domain/instant.ts";
import { type Counts, countOf, emptyCounts, emptyTail } from "../../src/domain/pairing.ts";
import { byTimelineOrder } from "../../src/domain/records.ts";
import type { RecordChange } from "./moments.ts";
import type { PairedChanges } from "./rework.ts";
import type { Incident, IncidentsStore, SignalRecord } from "./store.ts";

type Finder = Pick<IncidentsStore, "bounds" | "lastNaming">;
type NameField = "monitor_id" | "monitor_name" | "repo_uuid";

/** Before and behind every instant: of an incident without records. */
const before = "" as Instant;
const behind = "~" as Instant;

export const newIncident = (
  of: Pick<Incident, "incident" | "incident_key" | "project" | "incident_id">,
): Incident => ({
  ...of,
  counts: emptyCounts,
  webhooks: 0,
  first_time: behind,
  last_time: before,
  newest: before,
  monitor_id: null,
  monitor_name: null,
  repo_uuid: null,
  tail: emptyTail,
  is_dismissed: false,
  matched: 0,
  matched_until: null,
  rest: null,
});

export async function standingAfter(
  store: Finder,
  incident: Incident,
  batch: { readonly changes: readonly RecordChange[]; readonly newest: Instant; readonly more: number },
  paired: PairedChanges,
): Promise<Incident> {
  const { changes, newest, more } = batch;
  const bounds = await times(store, incident, changes);
  return {
    incident: incident.incident,
    incident_key: incident.incident_key,
    project: incident.project,
    incident_id: incident.incident_id,
    counts: countsAfter(incident.counts, changes, paired.more),
    webhooks: incident.webhooks + more,
    first_time: bounds.first,
    last_time: bounds.last,
    newest,
    monitor_id: await nameAfter(store, incident, changes, "monitor_id"),
    monitor_name: await nameAfter(store, incident, changes, "monitor_name"),
    repo_uuid: await nameAfter(store, incident, changes, "repo_uuid"),
    tail: paired.tail,
    is_dismissed: paired.is_dismissed,
    matched: incident.matched,
    matched_until: incident.matched_until,
    rest: incident.rest,
  };
}

function countsAfter(counts: Counts, changes: readonly RecordChange[], ended: number): Counts {
  const after = { ...counts, ended: counts.ended + ended };
  for (const change of changes) {
    if (change.before !== null) after[countOf(change.before.kind)] -= 1;
    if (change.after !== null) after[countOf(change.after.kind)] += 1;
  }
  return after;
}

const idsBefore = (changes: readonly RecordChange[]): string[] =>
  changes.flatMap((change) => (change.before === null ? [] : [change.before.first.event_id]));

const hasMoved = (change: RecordChange): boolean =>
  change.before !== null && change.before.effective_time !== change.after?.effective_time;

async function times(
  store: Finder,
  { incident, first_time, last_time }: Incident,
  changes: readonly RecordChange[],
): Promise<{ readonly first: Instant; readonly last: Instant }> {
  let bounds = { first: first_time, last: last_time };
  if (changes.some(hasMoved)) {
    bounds = (await store.bounds(incident, idsBefore(changes))) ?? { first: behind, last: before };
  }
  for (const { after } of changes) {
    if (after === null) continue;
    if (after.effective_time < bounds.first) bounds = { ...bounds, first: after.effective_time };
    if (after.effective_time > bounds.last) bounds = { ...bounds, last: after.effective_time };
  }
  return bounds;
}

async function nameAfter(
  store: Finder,
  incident: Incident,
  changes: readonly RecordChange[],
  field: NameField,
): Promise<number | null> {
  const known = incident[field];
  const appended = appendedName(known, incident.last_time, changes, field);
  if (appended !== undefined) return appended;
  let best = await store.lastNaming(incident.incident, field, idsBefore(changes));
  for (const { after } of changes) {
    if (after === null || !after.last[field]) continue;
    if (best === undefined || byTimelineOrder(best, after) < 0) best = after;
  }
  return best?.last[field] ?? null;
}

/** Undefined where the store has to be asked. */
function appendedName(
  known: number | null,
  lastTime: Instant,
  changes: readonly RecordChange[],
  field: NameField,
): number | null | undefined {
  let latest: SignalRecord | undefined;
  for (const change of changes) {
    const { after } = change;
    const name = after?.last[field] || null;
    if (change.before !== null) {
      const was = change.before.last[field] || null;
      if (was !== null || name !== null) {
        if (was !== name || hasMoved(change)) return undefined;
      }
      continue;
    }
    if (after === null || name === null) continue;
    if (after.effective_time > lastTime) {
      if (latest === undefined || byTimelineOrder(latest, after) < 0) latest = after;
    } else if (known !== name) return undefined;
  }
  return latest === undefined ? known : latest.last[field] || null;
}
