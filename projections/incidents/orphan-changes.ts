// Which orphans (rule 4) a batch makes and unmakes, and from when on a project's orphans are to be matched again.

import type { Instant } from "../../src/domain/instant.ts";
import { isOrphaned, withAlert } from "../../src/domain/pairing.ts";
import { isPairedAlike } from "../../src/domain/records.ts";
import { type Growth, shownOutage } from "./match-orphans.ts";
import type { RecordChange } from "./moments.ts";
import type { PairedChanges } from "./rework.ts";
import { timelineNow } from "./rework.ts";
import type { Incident, IncidentsStore, OrphanRow, SignalRecord } from "./store.ts";

export interface OrphansOfIncident {
  readonly gone: readonly OrphanRow[];
  readonly made: readonly OrphanRow[];
}

const none: OrphansOfIncident = { gone: [], made: [] };

export async function orphansOfIncident(
  store: Pick<IncidentsStore, "orphansOf" | "timeline">,
  before: Incident,
  now: Incident,
  changes: readonly RecordChange[],
): Promise<OrphansOfIncident> {
  const was = isOrphaned(before.counts) && before.counts.recoveries > 0;
  const is = isOrphaned(now.counts) && now.counts.recoveries > 0;
  if (!was && !is) return none;
  if (!is) return { gone: await store.orphansOf([now.incident]), made: [] };
  if (!isOrphaned(before.counts)) {
    const made: OrphanRow[] = [];
    for await (const record of timelineNow(store, now.incident, null, changes)) {
      if (mayMatch(record)) made.push(orphanOf(now, record));
    }
    return { gone: [], made };
  }
  const changed = changes.filter(
    (change) =>
      change.before === null || change.after === null || !isPairedAlike(change.before, change.after),
  );
  const left = changed.flatMap((change) =>
    change.before !== null && mayMatch(change.before) ? [change.before] : [],
  );
  const made = changed.flatMap(({ after }) =>
    after !== null && mayMatch(after) ? [orphanOf(now, after)] : [],
  );
  if (left.length === 0) return { gone: [], made };
  const stored = await store.orphansOf([now.incident]);
  const times = new Set(left.map(({ effective_time }) => effective_time));
  return { gone: stored.filter(({ at }) => times.has(at)), made };
}

const mayMatch = ({ kind, exact }: SignalRecord): boolean => kind === "RECOVERY" && !exact;

const orphanOf = ({ incident, incident_id, project }: Incident, record: SignalRecord): OrphanRow => ({
  incident,
  incident_id,
  project,
  at: record.effective_time,
  event_id: record.first.event_id,
  monitor_id: record.last.monitor_id || null,
  matched_incident: null,
  matched_by: null,
});

/** An incident whose open outage has changed, and the earliest moment at which an orphan may find it otherwise. */
export function concerned(
  before: Incident,
  now: Incident,
  { joined, hasEnded }: PairedChanges,
): { readonly incident: Incident; readonly since: Instant | null } {
  const [was, is] = [before.tail.open, now.tail.open];
  if (was === is) return { incident: now, since: null };
  const until = before.matched_until;
  const hasOnlyGrown = joined !== null && !hasEnded && was !== null;
  if (until !== null && was !== null) {
    const isBehind =
      hasOnlyGrown && !is?.exact && joined.every(({ effective_time }) => effective_time > until);
    if (!isBehind) {
      const first = is === null || is.exact || was.first.at < is.first.at ? was.first.at : is.first.at;
      return { incident: now, since: first };
    }
    const rest = joined.reduce(withAlert, before.rest);
    return { incident: { ...now, rest }, since: earliestOf(joined) };
  }
  if (is === null || is.exact) return { incident: now, since: null };
  return { incident: now, since: joined === null ? is.first.at : earliestOf(joined) };
}

/** How the outage that orphans see has grown, where ALERTs have only been added to it, or to a new one. */
export function growthOf(before: Incident, { joined, hasEnded }: PairedChanges): Growth | undefined {
  if (joined === null) return undefined;
  return { before: hasEnded ? null : shownOutage(before), joined };
}

function earliestOf(records: readonly SignalRecord[]): Instant | null {
  let earliest: Instant | null = null;
  for (const { effective_time } of records)
    if (earliest === null || effective_time < earliest) earliest = effective_time;
  return earliest;
}
