// Rule 4 of pairing: which open outage of the project an orphan ends. Pure.
//
// The orphans that are not exact are matched one by one in time order (equal times: by incident_id) with the outages of
// the project that are still open, none of whose ALERTs is exact, later ones included, and that have an ALERT at or
// before the orphan: those that name the orphan's monitor_id, or if there are none, those whose monitor_id does not
// contradict it (one of the two is absent). The one with the most recent such ALERT wins (equal: the smaller
// incident_id). The orphan ends that outage as a RECOVERY of its own would: later ALERTs begin a new one. An outage's
// monitor_id is that of its most recent ALERT at or before the orphan that names one.

import type { Instant } from "./instant.ts";
import { type Alerts, withAlert } from "./pairing.ts";
import { compareTexts, type IncidentRecord, type Name } from "./records.ts";
import type { Matching } from "./signal.ts";

/** An open outage as an orphan finds it: only its ALERTs at or before the orphan count. */
export interface Candidate {
  readonly incident_id: string;
  readonly monitor_id: Name | null;
  readonly last_at: Instant;
}

export type OrphanMatch = "monitor_id" | "project";

/** The outage that the orphan ends. */
export function chooseOutage<C extends Candidate>(
  candidates: readonly C[],
  orphan: { readonly monitor_id: Name | null },
  matching: Matching,
): { readonly candidate: C; readonly matched_by: OrphanMatch } | undefined {
  const asked = orphan.monitor_id || null;
  const ofMonitor = asked === null ? undefined : best(candidates.filter((one) => one.monitor_id === asked));
  if (matching === "incident") return undefined;
  if (ofMonitor !== undefined) return { candidate: ofMonitor, matched_by: "monitor_id" };
  if (matching === "monitor") return undefined;
  const ofProject = best(candidates.filter((one) => asked === null || one.monitor_id === null));
  return ofProject === undefined ? undefined : { candidate: ofProject, matched_by: "project" };
}

function best<C extends Candidate>(candidates: readonly C[]): C | undefined {
  return candidates.reduce<C | undefined>((winner, one) => {
    if (winner === undefined) return one;
    const order =
      compareTexts(winner.last_at, one.last_at) || compareCodePoints(one.incident_id, winner.incident_id);
    return order < 0 ? one : winner;
  }, undefined);
}

/** An open outage's ALERTs up to a moment, and those after it. */
export function splitAlerts(
  alerts: readonly IncidentRecord[],
  at: Instant,
): { readonly before: Alerts | null; readonly after: Alerts | null } {
  let before: Alerts | null = null;
  let after: Alerts | null = null;
  for (const alert of alerts) {
    if (alert.effective_time <= at) before = withAlert(before, alert);
    else after = withAlert(after, alert);
  }
  return { before, after };
}

interface OrphanPlace {
  readonly at: Instant;
  readonly incident_id: string;
}

export const byOrphanOrder = (a: OrphanPlace, b: OrphanPlace): number =>
  compareTexts(a.at, b.at) || compareCodePoints(a.incident_id, b.incident_id);

/** By code point, which is the order of UTF-8's bytes. */
export function compareCodePoints(a: string, b: string): number {
  for (let index = 0; ; ) {
    const one = a.codePointAt(index);
    const other = b.codePointAt(index);
    if (one === undefined || other === undefined) return a.length - b.length;
    if (one !== other) return one - other;
    index += one > 0xffff ? 2 : 1;
  }
}
