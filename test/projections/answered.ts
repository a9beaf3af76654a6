// What the read model's queries answer of one project, in the form of the oracle's answers.

import type { readModelQueries } from "../../src/readmodel/queries.ts";
import { type ProjectAnswers, sorted } from "./oracle-answers.ts";

type Queries = ReturnType<typeof readModelQueries>;

const timelinesAtOnce = 20;

/** Every item of a list that is asked for page by page. */
async function all<Item>(
  ask: (page: {
    readonly limit: number;
    readonly cursor: string | undefined;
  }) => Promise<{ readonly items: readonly Item[]; readonly next_cursor: string | null } | undefined>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await ask({ limit: 500, cursor });
    items.push(...(page?.items ?? []));
    cursor = page?.next_cursor ?? null;
  }
  return items;
}

/** Positions and outage ids are left out; outage ids are given apart, for they must be unique. */
export async function answered(
  queries: Queries,
  project: string,
  incidentIds: readonly string[],
): Promise<ProjectAnswers & { readonly outageIds: readonly string[] }> {
  const incidents = await all((page) => queries.incidents(project, {}, page));
  const pairs = (
    await Promise.all(
      (["recovered", "open", "dismissed"] as const).map((state) =>
        all((page) => queries.pairs(project, { state }, page)),
      ),
    )
  ).flat();
  // A few at a time: the queries refuse what would wait for Postgres by the thousand.
  const timelines: (readonly [string, readonly object[]])[] = [];
  for (let from = 0; from < incidentIds.length; from += timelinesAtOnce) {
    const some = incidentIds.slice(from, from + timelinesAtOnce).map(async (incident_id) => {
      const timeline = await all((page) => queries.timeline(project, incident_id, page));
      return [incident_id, timeline.map(withoutPlace)] as const;
    });
    timelines.push(...(await Promise.all(some)));
  }
  return {
    incidents: sorted(incidents),
    pairs: sorted(pairs.map(({ outage_id: _, ...pair }) => pair)),
    timelines: Object.fromEntries(timelines),
    outageIds: pairs.map(({ outage_id }) => outage_id).sort(),
  };
}

const withoutPlace = (item: object): object => {
  const { position: _p, local_time: _l, timezone: _t, ...rest } = item as Record<string, unknown>;
  return rest;
};
