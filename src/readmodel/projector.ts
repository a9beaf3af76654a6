// The loop that feeds events to the projections: exactly once, in batches, for ever. Knows no event store and no
// projection by name. Postgres may be down at the start and at any time after.

import { setTimeout as sleep } from "node:timers/promises";
import type { Projection } from "../../projections/projection.ts";
import { CheckpointLost, prepareRows } from "./apply-batch.ts";
import { applyOrSplit, type Lead } from "./apply-or-split.ts";
import { faultReason } from "./database-fault.ts";
import type { FollowLog, HeadPosition } from "./event-feed.ts";
import { openSession, takeLead } from "./lead.ts";
import type { Sql } from "./postgres.ts";
import { Progress, type ProjectorStatus } from "./progress.ts";
import { makeSchema, readCheckpoint } from "./schema.ts";

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
  readonly head: HeadPosition;
  readonly log: ProjectorLog;
  readonly maxBatchEvents?: number;
  readonly maxBatchWaitMs?: number;
}

const prefixes = ["incident-", "registry"];
const firstBackoffMs = 50;
const longestBackoffMs = 5_000;
/** How often a standby looks at the checkpoint and whether the lead is free. */
const standbyMs = 200;
const headEveryMs = 1_000;
/** A feed that has not ended by then after it was told to is left to itself. */
const feedEndsMs = 500;
/**
 * While webhooks stream in, batches are cut this far apart at least, and the farther the more comes at once: many small
 * batches would take from ingest the time that they save in waiting. A batch of few events means that there is no
 * stream, and nothing waits.
 */
const paceMs = (events: number): number => Math.min(150, 40 + events / 4);
const fewEvents = 8;

/** Starts projecting in the background; answers at once, whether or not Postgres is there. */
export function startProjector(options: ProjectorOptions): Projector {
  const stopping = new AbortController();
  const progress = new Progress();
  const ended = Promise.all([
    keepProjecting(options, progress, stopping.signal),
    keepMeasuring(options.head, progress, stopping.signal),
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
  let isMade = false;
  while (!stop.aborted) {
    const session = openSession(options.databaseUrl);
    try {
      if (!isMade) await makeSchema(session.sql, options.projections);
      isMade = true;
      const lead = await waitForLead(session.sql, options, progress, stop);
      if (lead !== undefined) await project(lead, options, progress, stop);
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
  { projections }: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<Lead | undefined> {
  while (!stop.aborted) {
    const pid = await takeLead(sql);
    if (pid !== undefined) return { sql, pid };
    progress.follows(await readCheckpoint(sql, projections));
    await pause(standbyMs, stop);
  }
  return undefined;
}

async function project(
  lead: Lead,
  options: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const { projections, log } = options;
  const start = await readCheckpoint(lead.sql, projections);
  progress.leads(start);
  // Not AbortSignal.any: Bun may collect the signal it makes, listeners and all, before it fires.
  const stint = new AbortController();
  const endStint = (): void => stint.abort();
  stop.addEventListener("abort", endStint);
  if (stop.aborted) endStint();
  const ended = new Promise<undefined>((resolve) => {
    stint.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const batches = options
    .follow({
      from: start.position,
      prefixes,
      maxEvents: options.maxBatchEvents ?? 5_000,
      maxWaitMs: options.maxBatchWaitMs ?? 25,
      signal: stint.signal,
      dropped: (reason) => {
        progress.dropped(reason);
        log.warn({ reason }, "the feed of events has dropped and resumes");
      },
    })
    [Symbol.asyncIterator]();
  let from = start.position;
  let applied: Promise<void> = Promise.resolve();
  try {
    for (;;) {
      // While Postgres applies one batch, the next one is read and decoded.
      const next = await Promise.race([batches.next(), failureOf(applied), ended]);
      if (next === undefined || next.done === true) break;
      const { events, upTo, caughtUp } = next.value;
      const cutAt = performance.now();
      const prepared = prepareRows(projections, events);
      await applied;
      if (stop.aborted) break;
      applied = applyOrSplit(lead, { projections, events, prepared, from, upTo }).then((deadLetters) => {
        for (const { event, reason } of deadLetters) {
          log.warn(
            { event_id: event.id, position: event.position.toString(), reason },
            "an event cannot be projected",
          );
        }
        progress.applied({ upTo, deadLetters: deadLetters.length, caughtUp });
      });
      from = upTo;
      if (caughtUp && events.length > fewEvents) {
        await pause(Math.max(0, paceMs(events.length) - (performance.now() - cutAt)), stop);
      }
    }
    await applied;
  } finally {
    stop.removeEventListener("abort", endStint);
    stint.abort();
    await Promise.allSettled([applied, Promise.race([batches.return?.(), sleep(feedEndsMs)])]);
  }
}

/** Never resolves; rejects where the promise does. */
const failureOf = (promise: Promise<void>): Promise<never> =>
  new Promise((_, reject) => {
    promise.catch(reject);
  });

async function keepMeasuring(head: HeadPosition, progress: Progress, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    progress.measured(await head().catch(() => undefined));
    await pause(headEveryMs, stop);
  }
}

const pause = (ms: number, stop: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal: stop }).then(
    () => {},
    () => {},
  );
