// The one session that may project: a connection that holds an advisory lock, so that of several projectors one works
// and the others stand by. Should two ever believe to have it, the checkpoint decides (apply-batch.ts).

import { openPostgres, type Sql } from "./postgres.ts";

/**
 * One connection, opened with the first query and never used again after a fault: a pool that lost a connection
 * between two writes may keep a broken one.
 */
export interface Session {
  readonly sql: Sql;
  readonly end: () => Promise<void>;
}

// Plans are kept for the session's life, and the first are made while the tables are empty: so the planner is told
// what holds however they grow. Every lookup in the projections is one index probe.
const settings = [
  "set enable_seqscan = off",
  "set enable_mergejoin = off",
  "set enable_bitmapscan = off",
  "set jit = off",
  "set work_mem = '64MB'",
  // Rows and checkpoint are lost together or not at all, and what a crash takes is replayed.
  "set synchronous_commit = off",
  // Nobody else writes here; a lock waited for is a schema being made.
  "set lock_timeout = '30s'",
].join("; ");

export function openSession(databaseUrl: string): Session {
  const sql = openPostgres(databaseUrl, {
    maxConnections: 1,
    applicationName: "incident-ledger projector",
    statementTimeoutMs: 0,
    keepsConnections: true,
  });
  return { sql, end: () => sql.end({ timeout: 1 }).catch(() => {}) };
}

/** The server process that holds the lock for this session; undefined where another session has it. */
export async function takeLead(sql: Sql): Promise<number | undefined> {
  const [answer] = await sql`
    select pg_try_advisory_lock(hashtextextended('incident-ledger projector', 0)) as taken, pg_backend_pid() as pid`;
  if (answer?.taken !== true) return undefined;
  await sql.unsafe(settings);
  return Number(answer.pid);
}
