// Keeps the projections fed for ever: one stint after the other, while this process leads. Knows no event store and no
// projection by name. Postgres may be down at the start and at any time after.

import type { Projection } from "../../projections/projection.ts";
import { BatchApplier } from "./apply-batch.ts";
import { Claim } from "./claim.ts";
import { faultReason } from "./database-fault.ts";
import type { FollowLog, HeadPosition, ReadStreamFrom } from "./event-feed.ts";
import { openSession, type Session } from "./lead.ts";
import { type LogIdentity, OfAnotherLog } from "./log-identity.ts";
import { Progress, type ProjectorStatus } from "./progress.ts";
import { type ProjectorClock, realClock } from "./projector-clock.ts";
import { CheckpointLost } from "./read-model-store.ts";
import { prepareTables } from "./schema.ts";
import { project } from "./stint.ts";

/** The part of a logger that is used here; pino's fits. */
export interface ProjectorLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Projector {
  /** The last position whose effect queries can see; 0 before the first. */
  readonly position: () => bigint;
  /** Resolves true once the read model has come to the position, false after `timeoutMs`. */
  readonly waitFor: (position: bigint, timeoutMs: number) => Promise<boolean>;
  readonly status: () => ProjectorStatus;
  /** Resolves when it has been found out for the first time which log the read model is of. */
  readonly verified: Promise<void>;
  /** Ends after the batch under way. */
  readonly stop: () => Promise<void>;
}

export interface ProjectorOptions {
  readonly databaseUrl: string;
  readonly projections: readonly Projection[];
  readonly follow: FollowLog;
  readonly readStream: ReadStreamFrom;
  readonly head: HeadPosition;
  /** Of the log that `follow` follows. */
  readonly identity: LogIdentity;
  readonly log: ProjectorLog;
  readonly maxBatchEvents?: number;
  readonly maxBatchWaitMs?: number;
  /** How many incidents are remembered between batches (default 100,000); what they are is read again otherwise. */
  readonly cachedIncidents?: number;
  readonly clock?: ProjectorClock;
  /** Instead of one with Postgres at `databaseUrl`. */
  readonly openSession?: () => Session;
}

const firstBackoffMs = 50;
/** Short enough that what is back is used again within the time that readiness promises. */
const longestBackoffMs = 1_000;
const headEveryMs = 1_000;

/** Starts projecting in the background; answers at once, whether or not Postgres is there. */
export function startProjector(options: ProjectorOptions): Projector {
  const stopping = new AbortController();
  const progress = new Progress(options.clock);
  const ended = Promise.all([
    keepProjecting(options, progress, stopping.signal),
    keepMeasuring(options, progress, stopping.signal),
  ]);
  return {
    position: () => progress.position ?? 0n,
    waitFor: (position, timeoutMs) => progress.waitFor(position, timeoutMs),
    status: () => progress.status(),
    verified: progress.verified,
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
  const { identity, log, projections, cachedIncidents = 100_000, clock = realClock } = options;
  const claim = new Claim({ identity, clock, progress, log });
  const open = options.openSession ?? (() => openSession(options.databaseUrl, projections));
  while (!stop.aborted) {
    const session = open();
    try {
      const held = await claim.lead(session.sql, stop);
      if (held === undefined) return;
      const applier = new BatchApplier(session.store, projections, { cacheSize: cachedIncidents });
      const lead = { ...held, applier };
      const tables = await prepareTables(lead.sql, projections, identity);
      await project(lead, tables, options, progress, stop);
    } catch (error) {
      if (stop.aborted) return;
      if (progress.failed(faultReason(error)).hadAdvanced) backoffMs = firstBackoffMs;
      const fields = { reason: faultReason(error), retry_in_ms: backoffMs };
      if (error instanceof OfAnotherLog) claim.tell(error.message);
      else if (error instanceof CheckpointLost) log.info(fields, "another projector is at work");
      else log.warn(fields, "projecting is interrupted");
      await clock.pause(backoffMs, stop);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    } finally {
      await session.end();
    }
  }
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
