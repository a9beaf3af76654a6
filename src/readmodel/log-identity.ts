// Which log a read model was built from, and whether that is the log at hand. Knows no event store client and no
// projection.

import type postgres from "postgres";
import { normalForm } from "../../projections/exact-text.ts";
import { logStream } from "../domain/log-started.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import type { Sql } from "./postgres.ts";
import type { ProjectorClock } from "./projector-clock.ts";

/** Where an event lies in its log. */
export interface EventPlace {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
}

/** The log at hand. Every function asks it anew and throws where it cannot be read now. */
export interface LogIdentity {
  /** The uuid that the log holds itself (stream `ledger`); given to a log that has none. */
  readonly id: () => Promise<string>;
  readonly holds: (event: EventPlace) => Promise<boolean>;
  /** Whether any event begins at exactly this position. */
  readonly holdsEventAt: (position: bigint) => Promise<boolean>;
  /** The position of the newest event; undefined where the log is empty. */
  readonly head: () => Promise<bigint | undefined>;
}

/** What a read model says of the log that it was built from. */
export interface LogMark {
  /** Undefined where there is no read model, or one that is older than the identity of logs. */
  readonly logId: string | undefined;
  /** Of its checkpoint. */
  readonly position: bigint | undefined;
  /** The last event of ours at or before the checkpoint. */
  readonly event: EventPlace | undefined;
}

export const logMarkTable = new URL("./log-mark.sql", import.meta.url);
export const logMarkFunctions = new URL("./log-mark.functions.sql", import.meta.url);

const verifyEveryMs = 1_000;

/** The read model was built from another log than the one at hand, or from events that it lost. */
export class OfAnotherLog extends Error {
  override readonly name = "OfAnotherLog";
}

/**
 * Why the read model with this mark is not of this log; undefined where it is. One without an id is of this log if an
 * event lies where its checkpoint is.
 */
export async function otherLogReason(
  { logId, position, event }: LogMark,
  log: LogIdentity,
): Promise<string | undefined> {
  const id = await log.id();
  if (logId !== undefined && logId !== id)
    return `the read model was built from log ${logId}, and the event store holds log ${id}`;
  if (position === undefined) return undefined;
  const head = (await log.head()) ?? 0n;
  if (head < position)
    return `the read model's checkpoint ${position} is beyond the end of the event store's log, ${head}`;
  if (event !== undefined)
    return (await log.holds(event))
      ? undefined
      : `the event store's log does not hold the event that the read model has from position ${event.position}`;
  if (logId !== undefined || (await log.holdsEventAt(position))) return undefined;
  return `no event of the event store's log lies at the read model's checkpoint ${position}`;
}

/** The mark of the tables that the session uses by their bare names. */
export async function readLogMark(sql: Sql): Promise<LogMark> {
  const [found] = await markRows(sql);
  return {
    logId: found?.log_id ?? undefined,
    position: found?.checkpoint == null ? undefined : BigInt(found.checkpoint),
    event:
      found?.event_id == null
        ? undefined
        : {
            id: found.event_id,
            stream: found.stream,
            revision: BigInt(found.revision),
            position: BigInt(found.position),
          },
  };
}

/** Checkpoint and mark are read in one statement: between two, other tables may take the place of these. */
async function markRows(sql: Sql): Promise<readonly postgres.Row[]> {
  const [there] = await sql`
    select to_regclass('checkpoints') is not null as has_checkpoint, to_regclass('log_mark') is not null as has_mark`;
  if (there?.has_checkpoint !== true) return [];
  if (there.has_mark !== true) return sql`select position as checkpoint from checkpoints limit 1`;
  return sql`
    select checkpoints.position as checkpoint, log_id::text, event_id, stream, revision, log_mark.position
    from checkpoints left join log_mark on true limit 1`;
}

/** Marks tables that have no mark yet, once it was verified that they are of this log: one step of a script. */
export const adoptTables = (logId: string): string =>
  `insert into log_mark (log_id) select '${logId.replaceAll("'", "''")}'::uuid where not exists (select from log_mark)`;

/** The place of the last event whose names Postgres can keep as they are. */
export function lastPlace(events: readonly RecordedEvent[]): EventPlace | undefined {
  const last = events.findLast(({ id, stream }) => normalForm(id) === id && normalForm(stream) === stream);
  return last === undefined
    ? undefined
    : { id: last.id, stream: last.stream, revision: last.revision, position: last.position };
}

/** As `mark_log` in log-mark.functions.sql reads it; null: the mark stays where it is. */
export const placeRow = (place: EventPlace | undefined): string | null =>
  place === undefined
    ? null
    : JSON.stringify({
        event_id: place.id,
        stream: place.stream,
        revision: place.revision.toString(),
        position: place.position.toString(),
      });

/** While this session lives, others can see that somebody with this log uses the database. */
export async function announceLog(sql: Sql, logId: string): Promise<void> {
  await sql`select pg_try_advisory_lock_shared(hashtextextended(${lockName(logId)}, 0))`;
}

/** Whether a session has announced this log. Not for the log that this session announced itself. */
export async function isLogAnnounced(sql: Sql, logId: string): Promise<boolean> {
  const [answer] = await sql`select pg_try_advisory_lock(hashtextextended(${lockName(logId)}, 0)) as is_free`;
  if (answer?.is_free !== true) return true;
  await sql`select pg_advisory_unlock(hashtextextended(${lockName(logId)}, 0))`;
  return false;
}

const lockName = (logId: string): string => `incident-ledger ${logStream} ${logId}`;

/** Watches, while a read model is being fed, that the log stays the one that it is built from. */
export class LogWatch {
  readonly #log: LogIdentity;
  #mark: LogMark;
  #isDoubted = true;

  constructor(log: LogIdentity, mark: LogMark) {
    this.#log = log;
    this.#mark = mark;
  }

  /** The connection to the log was lost: behind the next one there may be another log. */
  doubt(): void {
    this.#isDoubted = true;
  }

  advanced(position: bigint, event: EventPlace | undefined): void {
    this.#mark = { ...this.#mark, position, event: event ?? this.#mark.event };
  }

  /** Before events are applied that came after a doubt. Throws OfAnotherLog, and where the log cannot be read. */
  async settleDoubt(): Promise<void> {
    if (!this.#isDoubted) return;
    this.#isDoubted = false;
    try {
      await this.#verify();
    } catch (error) {
      this.#isDoubted = true;
      throw error;
    }
  }

  /** Until the signal; throws OfAnotherLog. A log that cannot be read now is asked again. */
  async keepVerifying(clock: ProjectorClock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.pause(verifyEveryMs, signal);
      if (signal.aborted) return;
      await this.#verify().catch((error) => {
        if (error instanceof OfAnotherLog) throw error;
      });
    }
  }

  async #verify(): Promise<void> {
    const reason = await otherLogReason(this.#mark, this.#log);
    if (reason !== undefined) throw new OfAnotherLog(reason);
  }
}
