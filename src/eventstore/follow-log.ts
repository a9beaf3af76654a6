// Follows the global log for the projector: batches by pull, for ever, resuming after every drop from the last batch
// handed over. The shapes equal those of the projector's port; src/app checks that by assignment.

import type { RecordedEvent } from "../domain/stored-events.ts";
import type { Pull } from "./pull.ts";
import type { LogMessage } from "./read-response.ts";
import { positionOf, type Resolved, toRecordedEvent } from "./recorded-event.ts";
import { faultReason } from "./store-error.ts";
import type { Subscribe } from "./subscription.ts";
import { pause } from "./within.ts";

export interface LogBatch {
  readonly events: readonly RecordedEvent[];
  readonly upTo: bigint;
  readonly caughtUp: boolean;
}

export interface FollowLogOptions {
  readonly from: bigint | undefined;
  readonly prefixes: readonly string[];
  readonly maxEvents: number;
  readonly maxWaitMs: number;
  readonly signal: AbortSignal;
  readonly dropped: (reason: string) => void;
}

/** Once live, a batch is cut when nothing came for this long: events then are visible soon after they are stored. */
const quietMs = 4;
/** Behind the end of the log, a batch may take so long to fill: large ones cost Postgres half as much an event. */
const behindMs = 400;
/** A subscription that the server does not confirm within this is opened anew. */
const confirmMs = 15_000;
/** How long nothing may come before a server that never says "caught up" (before 23.10) is taken to have done so. */
const idleMs = 1000;
/** At most this often does a stretch of the log that matched nothing make a batch of its own. */
const emptyBatchMs = 1000;
const firstBackoffMs = 100;
/** Short enough that a store that is back is followed again within the time that readiness promises. */
const longestBackoffMs = 1000;
/** The store looks at so many events at a time, and tells how far it has come after so many. */
const searchWindow = 32;
const windowEvents = 8 * searchWindow;
/** A batch is full with this much text in its events' fields too: a few thousand of the largest are gigabytes. */
const mostCharacters = 16_000_000;

/** What is asked of the store beside the subscription. Both throw where it does not answer. */
export interface LogQuestions {
  readonly head: () => Promise<bigint | undefined>;
  /** The position of the last event before the next one under the prefixes, as far as one look goes. */
  readonly foreignUpTo: (
    after: bigint,
    look: { readonly prefixes: readonly string[]; readonly count: number },
  ) => Promise<bigint>;
}

export function createFollowLog(subscribe: Subscribe, questions: LogQuestions) {
  return async function* followLog(options: FollowLogOptions): AsyncGenerator<LogBatch, void, undefined> {
    const { signal } = options;
    let upTo = options.from;
    let backoffMs = firstBackoffMs;
    while (!signal.aborted) {
      const feed = openFeed(subscribe, { ...options, from: upTo }, questions);
      const wake = (): void => feed.pull.ring();
      signal.addEventListener("abort", wake);
      let reason = "";
      try {
        for (;;) {
          const cut = await feed.next();
          if (typeof cut === "string") {
            reason = cut;
            break;
          }
          upTo = cut.upTo;
          backoffMs = firstBackoffMs;
          yield cut;
        }
      } finally {
        signal.removeEventListener("abort", wake);
        await feed.pull.stop();
      }
      if (signal.aborted) return;
      options.dropped(reason);
      await pause(backoffMs, signal);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
  };
}

interface Feed {
  readonly pull: Pull<LogMessage>;
  /** The next batch, or why there will be none. */
  readonly next: () => Promise<LogBatch | string>;
}

function openFeed(subscribe: Subscribe, options: FollowLogOptions, questions: LogQuestions): Feed {
  const { maxEvents, maxWaitMs, signal } = options;
  const pull = subscribe({
    prefixes: options.prefixes,
    after: options.from,
    searchWindow,
    checkpointEvery: windowEvents / searchWindow,
  });
  const openedAt = performance.now();
  let upTo = options.from ?? 0n;
  let lastTaken = upTo === 0n ? -1n : upTo;
  let reportedUpTo = upTo;
  let confirmed = false;
  let live = false;
  let reportedLive = false;
  /** Whether the store has said that it holds nothing behind what was taken so far. */
  let caughtUp = false;
  /** The event that found the batch full. */
  let ahead: LogMessage | undefined;
  /** Of the batch that is being filled. */
  let characters = 0;

  const isFull = (events: readonly RecordedEvent[]): boolean =>
    events.length >= maxEvents || characters >= mostCharacters;
  const isEmpty = (): boolean => ahead === undefined && pull.waiting() === 0;
  const advance = (position: bigint | undefined): void => {
    if (position !== undefined && position > upTo) upTo = position;
  };

  /** Takes what is there, up to a full batch. Nothing at or before the start is ever handed over again. */
  function fill(events: RecordedEvent[]): void {
    for (;;) {
      const message = ahead ?? pull.take();
      ahead = undefined;
      if (message === undefined) return;
      switch (message.tag) {
        case "event":
          if (isFull(events)) {
            ahead = message;
            return;
          }
          caughtUp = false;
          takeEvent(message.resolved, events);
          break;
        case "checkpoint":
          advance(message.position);
          break;
        case "caught_up":
          caughtUp = true;
          live = true;
          break;
        case "confirmed":
          confirmed = true;
          break;
        case "other":
          break;
        default:
          message satisfies never;
      }
    }
  }

  function takeEvent(resolved: Resolved, events: RecordedEvent[]): void {
    const event = toRecordedEvent(resolved);
    if (event !== undefined && event.position > lastTaken) {
      events.push(event);
      characters += charactersOf(event.data);
      lastTaken = event.position;
    }
    advance(positionOf(resolved));
  }

  function cut(events: readonly RecordedEvent[]): LogBatch {
    const full = isFull(events);
    const isCaughtUp = live && (caughtUp || (!full && isEmpty()));
    reportedUpTo = upTo;
    reportedLive = isCaughtUp;
    return { events, upTo, caughtUp: isCaughtUp };
  }

  /** How long to wait for more before cutting; undefined where there is nothing to report. */
  function patience(events: readonly RecordedEvent[], sinceMs: number): number | undefined {
    if (events.length > 0)
      return live ? Math.min(quietMs, maxWaitMs - sinceMs) : Math.max(behindMs, maxWaitMs) - sinceMs;
    if (live && !reportedLive) return quietMs;
    return upTo > reportedUpTo ? Math.max(maxWaitMs, emptyBatchMs) - sinceMs : undefined;
  }

  async function next(): Promise<LogBatch | string> {
    const events: RecordedEvent[] = [];
    characters = 0;
    let since: number | undefined;
    for (;;) {
      fill(events);
      const over = pull.over();
      const nothing = events.length === 0;
      if (isFull(events)) return cut(events);
      if (signal.aborted) return "stopped";
      if (over !== undefined && isEmpty()) {
        if (nothing) return over.error === undefined ? "the server ended it" : faultReason(over.error);
        return cut(events);
      }
      if (since === undefined && (!nothing || upTo > reportedUpTo)) since = performance.now();
      const waitMs = patience(events, since === undefined ? 0 : performance.now() - since);
      if (waitMs !== undefined) {
        if (waitMs <= 0 || !(await pull.changed(waitMs))) {
          fill(events);
          return cut(events);
        }
      } else if (!(await pull.changed(idleMs))) {
        if (!confirmed && performance.now() - openedAt > confirmMs) return "not confirmed";
        if (live) advance(await passForeign());
        else live = confirmed && (await answersWhileIdle());
      }
    }
  }

  /**
   * Checkpoints come every so many events, so the last few of other applications, and of the store itself, have none: no
   * position would be reached among them, and the log would seem to have more.
   */
  async function passForeign(): Promise<bigint | undefined> {
    try {
      return await questions.foreignUpTo(upTo, { prefixes: options.prefixes, count: windowEvents + 1 });
    } catch {
      return undefined;
    }
  }

  async function answersWhileIdle(): Promise<boolean> {
    try {
      await questions.head();
      return isEmpty() && pull.over() === undefined;
    } catch {
      return false;
    }
  }

  return { pull, next };
}

/** Of the fields that are text themselves; what else an event holds is small, or text in a field of its own. */
function charactersOf(data: unknown): number {
  if (typeof data === "string" || data instanceof Uint8Array) return data.length;
  if (typeof data !== "object" || data === null) return 0;
  let characters = 0;
  for (const value of Object.values(data)) if (typeof value === "string") characters += value.length;
  return characters;
}
