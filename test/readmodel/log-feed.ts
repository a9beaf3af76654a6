// A log in memory that a projector follows through its port: what the event store does, under a test's control.

import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import type { FeedBatch, FollowLog, HeadPosition, ReadStreamFrom } from "../../src/readmodel/event-feed.ts";
import type { LogIdentity } from "../../src/readmodel/log-identity.ts";

export interface LogFeed {
  readonly follow: FollowLog;
  readonly readStream: ReadStreamFrom;
  readonly head: HeadPosition;
  readonly identity: LogIdentity;
  readonly append: (events: readonly RecordedEvent[]) => void;
  /** How often somebody began to follow, and from where. */
  readonly starts: readonly (bigint | undefined)[];
}

const oneLogId = "3f2b8c1e-5d47-4a90-9e6b-7c1d20a4f8b5";

/** Stands for a log that holds whatever it is asked for. */
export const anyLog: LogIdentity = {
  id: async () => oneLogId,
  holds: async () => true,
  holdsEventAt: async () => true,
  head: async () => 2n ** 63n,
};

/** `batchSize` says how many events the next batch may hold at most (the reader's own bound holds as well). */
export function createLogFeed(
  batchSize: () => number = () => Number.POSITIVE_INFINITY,
  logId = oneLogId,
): LogFeed {
  const log: RecordedEvent[] = [];
  const starts: (bigint | undefined)[] = [];
  const wakers = new Set<() => void>();
  return {
    starts,
    append: (events) => {
      log.push(...events);
      for (const wake of wakers) wake();
    },
    async *readStream(stream, { fromRevision }) {
      yield* log.filter((event) => event.stream === stream && event.revision >= fromRevision);
    },
    head: async () => log.at(-1)?.position,
    identity: {
      id: async () => logId,
      holds: async ({ id, stream, revision, position }) =>
        log.some(
          (event) =>
            event.id === id &&
            event.stream === stream &&
            event.revision === revision &&
            event.position === position,
        ),
      holdsEventAt: async (position) => log.some((event) => event.position === position),
      head: async () => log.at(-1)?.position,
    },
    async *follow({ from, prefixes, maxEvents, signal }): AsyncGenerator<FeedBatch, void, undefined> {
      starts.push(from);
      let next = from === undefined ? 0 : log.findIndex(({ position }) => position > from);
      if (next === -1) next = log.length;
      while (!signal.aborted) {
        const events = log.slice(next, next + Math.max(1, Math.min(batchSize(), maxEvents)));
        const last = events.at(-1);
        if (last === undefined) {
          await new Promise<void>((resolve) => {
            wakers.add(resolve);
            signal.addEventListener("abort", () => resolve(), { once: true });
          });
          continue;
        }
        next += events.length;
        const wanted = events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
        yield { events: wanted, upTo: last.position, caughtUp: next === log.length };
      }
    },
  };
}

export const silent = { info: () => {}, warn: () => {}, error: () => {} };
