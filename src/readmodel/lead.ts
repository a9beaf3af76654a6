// The one session that may project: a reserved connection that holds an advisory lock, so that of several projectors
// one works and the others stand by. Should two ever believe to have it, the checkpoint decides (apply-batch.ts).

import type { ReservedSql } from "postgres";
import type { Sql } from "./postgres.ts";

export interface Lead {
  readonly session: ReservedSql;
  /** The server process that holds the lock: an answer from another one means that the connection was replaced. */
  readonly pid: number;
  readonly release: () => Promise<void>;
}

// Plans of batch statements are kept for the session's life, and the first are made while the tables are empty: so
// the planner is told what holds however they grow. Every lookup in the projections is one index probe.
const settings = [
  "set enable_seqscan = off",
  "set enable_mergejoin = off",
  "set enable_bitmapscan = off",
  "set jit = off",
  "set statement_timeout = 0",
  // Nobody else writes here; a lock waited for is a schema being made.
  "set lock_timeout = '30s'",
];

/** The lead where nobody else has it. Throws what Postgres says where it cannot be asked. */
export async function takeLead(sql: Sql): Promise<Lead | undefined> {
  const session = await sql.reserve();
  const release = async (): Promise<void> => {
    await session`select pg_advisory_unlock_all()`.catch(() => {});
    await session`reset all`.catch(() => {});
    session.release();
  };
  try {
    const [answer] = await session`
      select pg_try_advisory_lock(hashtextextended('incident-ledger projector', 0)) as taken, pg_backend_pid() as pid`;
    if (answer?.taken !== true) {
      await release();
      return undefined;
    }
    await session.unsafe(settings.join("; "));
    return { session, pid: Number(answer.pid), release };
  } catch (error) {
    await release();
    throw error;
  }
}
