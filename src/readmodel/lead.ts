// The one session that may project: a connection that holds an advisory lock, so that of several projectors one works
// and the others stand by. Should two ever believe to have it, the checkpoint decides (apply-batch.ts).

import type { Projection } from "../../projections/projection.ts";
import { openPostgres, type Sql } from "./postgres.ts";
import { postgresStore, type ReadModelStore } from "./read-model-store.ts";

/** A session, and the server process that holds its lock: another one means that the connection was replaced. */
export interface HeldLead {
  readonly sql: Sql;
  readonly pid: number;
}

/**
 * One connection, opened with the first query and never used again after a fault: a pool that lost a connection
 * between two writes may keep a broken one.
 */
export interface Session {
  readonly sql: Sql;
  readonly store: ReadModelStore;
  readonly end: () => Promise<void>;
}

const settings = [
  // Tables grow a thousandfold while a session lasts: a plan made for their size of before would be a wrong one.
  "set plan_cache_mode = force_custom_plan",
  "set jit = off",
  "set work_mem = '64MB'",
  // Rows and checkpoint are lost together or not at all, and what a crash takes is replayed.
  "set synchronous_commit = off",
  // Nobody else writes here; a lock waited for is a schema being made.
  "set lock_timeout = '30s'",
].join("; ");

export function openSession(databaseUrl: string, projections: readonly Projection[]): Session {
  const sql = openPostgres(databaseUrl, {
    maxConnections: 1,
    applicationName: "incident-ledger projector",
    statementTimeoutMs: 0,
    keepsConnections: true,
  });
  return { sql, store: postgresStore(sql, projections), end: () => sql.end({ timeout: 1 }).catch(() => {}) };
}

/** The server process that holds the lock for this session; undefined where another session has it. */
export async function takeLead(sql: Sql): Promise<number | undefined> {
  const [answer] = await sql`
    select pg_try_advisory_lock(hashtextextended('incident-ledger projector', 0)) as taken, pg_backend_pid() as pid`;
  if (answer?.taken !== true) return undefined;
  await sql.unsafe(settings);
  return Number(answer.pid);
}
