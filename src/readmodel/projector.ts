// Keeps the projections fed for ever: one stint after the other, while this process leads. Knows no event store and no
// projection by name. Postgres may be down at the start and at any time after.

import type { Projection } from "../../projections/projection.ts";
import { CheckpointLost } from "./apply-batch.ts";
import type { Lead } from "./apply-or-split.ts";
import { faultReason } from "./database-fault.ts";
import type { FollowLog, HeadPosition, ReadStreamFrom } from "./event-feed.ts";
import { openSession, type Session, takeLead } from "./lead.ts";
import type { Sql } from "./postgres.ts";
import { Progress, type ProjectorStatus } from "./progress.ts";
import { type ProjectorClock, realClock } from "./projector-clock.ts";
import { prepareTables, readServedCheckpoint } from "./schema.ts";
import { project } from "./stint.ts";

/** The part of a logger that is used here; pino's fits. */
export interface ProjectorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface Projector {
  /** The last position whose effect queries can see; 0 before the first. */
  readonly position: () => bigint;
  /** Resolves true once the read model has come to the position, false after `timeoutMs`. */
  readonly waitFor: (position: bigint, timeoutMs: number) => Promise<boolean>;
  readonly status: () => ProjectorStatus;
  /** Ends after the batch under way. */
  readonly stop: () => Promise<void>;
}

export interface ProjectorOptions {
  readonly databaseUrl: string;
  readonly projections: readonly Projection[];
  readonly follow: FollowLog;
  readonly readStream: ReadStreamFrom;
  readonly head: HeadPosition;
  readonly log: ProjectorLog;
  readonly maxBatchEvents?: number;
  readonly maxBatchWaitMs?: number;
  readonly clock?: ProjectorClock;
  /** Instead of one with Postgres at `databaseUrl`. */
  readonly openSession?: () => Session;
}

const firstBackoffMs = 50;
/** Short enough that what is back is used again within the time that readiness promises. */
const longestBackoffMs = 1_000;
/** How often a standby looks at the checkpoint and whether the lead is free. */
const standbyMs = 200;
const headEveryMs = 1_000;

/** Starts projecting in the background; answers at once, whether or not Postgres is there. */
export function startProjector(options: ProjectorOptions): Projector {
  const stopping = new AbortController();
  const progress = new Progress();
  const ended = Promise.all([
    keepProjecting(options, progress, stopping.signal),
    keepMeasuring(options, progress, stopping.signal),
  ]);
  return {
    position: () => progress.position ?? 0n,
    waitFor: (position, timeoutMs) => progress.waitFor(position, timeoutMs),
    status: () => progress.status(),
    stop: async () => {
      stopping.abort();
      progress.end();
      await ended;
    },
  };
}

// Every fault ends a stint and its session, and the next one begins from the stored checkpoint: only there it shows
// whether a batch whose answer was lost was applied. Nothing is skipped.
async function keepProjecting(
  options: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  let backoffMs = firstBackoffMs;
  const { pause } = options.clock ?? realClock;
  const open = options.openSession ?? (() => openSession(options.databaseUrl));
  while (!stop.aborted) {
    const session = open();
    try {
      const lead = await waitForLead(session.sql, options, progress, stop);
      if (lead === undefined) return;
      const tables = await prepareTables(lead.sql, options.projections);
      await project(lead, tables, options, progress, stop);
    } catch (error) {
      if (stop.aborted) return;
      if (progress.failed(faultReason(error)).hadAdvanced) backoffMs = firstBackoffMs;
      const fields = { reason: faultReason(error), retry_in_ms: backoffMs };
      if (error instanceof CheckpointLost) options.log.info(fields, "another projector is at work");
      else options.log.warn(fields, "projecting is interrupted");
      await pause(backoffMs, stop);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    } finally {
      await session.end();
    }
  }
}

/** Stands by until the lead is free; undefined where stopped before. */
async function waitForLead(
  sql: Sql,
  { clock = realClock }: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<Lead | undefined> {
  while (!stop.aborted) {
    const pid = await takeLead(sql);
    if (pid !== undefined) return { sql, pid };
    progress.follows(await readServedCheckpoint(sql));
    await clock.pause(standbyMs, stop);
  }
  return undefined;
}

async function keepMeasuring(
  { head, clock = realClock }: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    progress.measured(await head().catch(() => undefined));
    await clock.pause(headEveryMs, stop);
  }
}
