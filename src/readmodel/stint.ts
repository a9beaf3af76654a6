// One stint of projecting: from the stored checkpoint on, batch after batch, until a fault or the end; between the
// batches, dead letters that somebody wants tried again. Knows no event store and no projection by name.

import { ownStreamPrefixes, registryStream } from "../domain/stored-events.ts";
import { prepareEvents } from "./apply-batch.ts";
import { type AppliedPart, applyOrSplit, type Lead } from "./apply-or-split.ts";
import { Interruption } from "./interruption.ts";
import { LogWatch } from "./log-identity.ts";
import type { Progress } from "./progress.ts";
import type { ProjectorLog, ProjectorOptions } from "./projector.ts";
import { type ProjectorClock, realClock } from "./projector-clock.ts";
import type { DeadLetter } from "./read-model-store.ts";
import { keepRedriving } from "./redrive.ts";
import { dropLeftTables, readCheckpoint, serveTables, type Tables } from "./schema.ts";
import { Turns } from "./turns.ts";

/** A feed that has not ended by then after it was told to is left to itself. */
const feedEndsMs = 500;
/**
 * While webhooks stream in, batches are cut this far apart at least, and the farther the more comes at once: many small
 * batches would take from ingest the time that they save in waiting. A batch of few events means that there is no
 * stream, and nothing waits.
 */
const paceMs = (events: number): number => Math.min(150, 40 + events / 4);
const fewEvents = 8;
/** How often tables are tried to be dropped that queries may still read. */
const dropEveryMs = 1_000;
/** Of the dead letters of one part, so many have a line of their own in the log. */
const lettersLogged = 10;

/** Throws what the database has against it, and CheckpointLost. */
export async function project(
  lead: Lead,
  tables: Tables,
  options: ProjectorOptions,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const { projections, log, clock = realClock } = options;
  const start = await readCheckpoint(lead.sql, projections);
  const { logId, lastEvent } = tables;
  const watch = new LogWatch(options.identity, { logId, position: start.position, event: lastEvent });
  let { isServed } = tables;
  if (isServed) progress.ofThisLog();
  progress.leads(tables.served);
  // Not AbortSignal.any: Bun may collect the signal it makes, listeners and all, before it fires.
  const stint = new AbortController();
  const endStint = (): void => stint.abort();
  stop.addEventListener("abort", endStint);
  const interruption = new Interruption();
  stint.signal.addEventListener("abort", () => interruption.end(undefined), { once: true });
  if (stop.aborted) endStint();
  const batches = options
    .follow({
      from: start.position,
      prefixes: ownStreamPrefixes,
      maxEvents: options.maxBatchEvents ?? 5_000,
      maxWaitMs: options.maxBatchWaitMs ?? 25,
      signal: stint.signal,
      dropped: (reason) => {
        watch.doubt();
        progress.dropped(reason);
        log.warn({ reason }, "the feed of events has dropped and resumes");
      },
    })
    [Symbol.asyncIterator]();
  const turns = new Turns();
  let stored = start.position;
  let settingsApplied = 0;
  const lent = {
    lead,
    turns,
    logId,
    checkpoint: () => stored,
    settingsApplied: () => settingsApplied,
    revived: () => progress.revived(),
  };
  const interrupt = (error: unknown): void => interruption.end(error);
  const watching = watch.keepVerifying(clock, stint.signal);
  watching.catch(interrupt);
  let besides: Promise<unknown> = Promise.resolve();
  const attend = (): void => {
    besides = Promise.all([
      keepRedriving(lent, options, stint.signal),
      keepDropping(lent, clock, stint.signal),
    ]);
    besides.catch(interrupt);
  };
  if (isServed) attend();
  else log.info({ from: start.position?.toString() ?? "the start" }, "the read model is built anew, aside");
  let from = start.position;
  let applied: Promise<void> = Promise.resolve();
  /** Whether the batch before has begun to be applied. */
  let isUnderWay = false;
  try {
    for (;;) {
      // While Postgres applies one batch, the next one is read, decoded and folded.
      const next = await interruption.wait(batches.next());
      if (next === undefined || next.done === true) break;
      const { events, upTo, caughtUp } = next.value;
      if (events.length > 0) progress.received();
      const cutAt = clock.nowMs();
      const prepared = prepareEvents(events);
      if (isUnderWay) lead.applier.foldAhead(prepared.events);
      await applied;
      await interruption.wait(watch.settleDoubt());
      if (stop.aborted) break;
      const batch = {
        logId,
        events,
        prepared,
        from,
        upTo,
        applied: (part: AppliedPart) => {
          stored = part.upTo;
          watch.advanced(part.upTo, part.last);
          tell(log, part.deadLetters);
          if (!isServed) {
            progress.built();
            return;
          }
          progress.applied({
            upTo: part.upTo,
            deadLetters: part.deadLetters.length,
            caughtUp: caughtUp && part.upTo === upTo,
          });
        },
      };
      isUnderWay = false;
      applied = turns.take(async () => {
        isUnderWay = true;
        await applyOrSplit(lead, batch);
        if (events.some(({ stream }) => stream === registryStream)) settingsApplied += 1;
        if (isServed || !caughtUp) return;
        await serveTables(lead.sql);
        isServed = true;
        log.info({ position: upTo.toString() }, "the read model that was built anew is the one that answers");
        progress.leads(await readCheckpoint(lead.sql, projections));
        progress.applied({ upTo, deadLetters: 0, caughtUp });
        progress.ofThisLog();
        attend();
      });
      applied.catch(interrupt);
      from = upTo;
      if (caughtUp && events.length > fewEvents) {
        await clock.pause(Math.max(0, paceMs(events.length) - (clock.nowMs() - cutAt)), stop);
      }
    }
    await applied;
  } finally {
    stop.removeEventListener("abort", endStint);
    stint.abort();
    await Promise.allSettled([
      applied,
      besides,
      Promise.race([Promise.allSettled([watching, batches.return?.()]), clock.pause(feedEndsMs)]),
    ]);
  }
}

/** Until nothing is left of the tables that others replaced. */
async function keepDropping(
  { lead, turns }: { readonly lead: Lead; readonly turns: Turns },
  clock: ProjectorClock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !(await turns.take(() => dropLeftTables(lead.sql))))
    await clock.pause(dropEveryMs, signal);
}

function tell(log: ProjectorLog, letters: readonly DeadLetter[]): void {
  for (const { event, reason } of letters.slice(0, lettersLogged)) {
    log.warn(
      { event_id: event.id, position: event.position.toString(), reason },
      "an event cannot be projected",
    );
  }
  const more = letters.length - lettersLogged;
  if (more > 0) log.warn({ events: more }, "more events cannot be projected; dead letters name them");
}
