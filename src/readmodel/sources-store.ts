// The port of the fold of sources on Postgres.

import type { QuarantinedPayload, SourceCount, SourcesStore } from "../../projections/sources/store.ts";
import { arrayOf, textArrayOf } from "./array-literal.ts";
import { instantOf } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

interface CountRow extends Omit<SourceCount, "count" | "last_seen"> {
  readonly count: string;
  readonly last_seen: string;
  readonly last_seen_ns: number;
}

interface PayloadRow extends Omit<QuarantinedPayload, "received_at"> {
  readonly received_at: string;
  readonly received_at_ns: number;
}

export const sourcesStore = (sql: Sql): SourcesStore => ({
  counts: async (keys) => {
    const projects = arrayOf(keys.map(({ project_uuid }) => project_uuid));
    const names = textArrayOf(keys.map(({ source }) => source));
    const outcomes = textArrayOf(keys.map(({ outcome }) => outcome));
    const rows = await sql<CountRow[]>`
      select c.project_uuid, c.source, c.outcome, c.count, c.last_seen, c.last_seen_ns from source_counts c
      join unnest(${projects}::uuid[], ${names}::text[], ${outcomes}::text[]) as k(project_uuid, source, outcome)
      using (project_uuid, source, outcome)`;
    return rows.map(({ project_uuid, source, outcome, count, last_seen, last_seen_ns }) => ({
      project_uuid,
      source,
      outcome,
      count: Number(count),
      last_seen: instantOf(last_seen, last_seen_ns),
    }));
  },
  quarantined: async (ids) => {
    const rows = await sql<PayloadRow[]>`
      select quarantine_id, project_uuid, source, received_at, received_at_ns, unknown_status from quarantined
      where quarantine_id = any(${arrayOf(ids)}::uuid[])`;
    return rows.map(({ received_at, received_at_ns, ...row }) => ({
      ...row,
      received_at: instantOf(received_at, received_at_ns),
    }));
  },
});
