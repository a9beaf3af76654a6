// Reads streams and the end of the log once, each with a bound on the server's silence, and always cancels.

import { BACKWARDS, END, type EventStoreDBClient, START } from "@eventstore/db-client";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { EventLogUnavailable, type ReadBackwards, type ReadStream } from "../intake/event-log.ts";
import { type Pull, pullFrom } from "./pull.ts";
import { positionOf, type Resolved, toRecordedEvent } from "./recorded-event.ts";
import { faultReason, isUnknownError, storeFault } from "./store-error.ts";

/** A reader may take its time with each event; the store may not be silent for longer than this. */
const silenceMs = 10_000;

export const createReadStream = (client: EventStoreDBClient): ReadStream =>
  async function* readStream(stream, options = {}) {
    yield* readBounded(client, stream, { from: options.fromRevision ?? 0n, timeoutMs: silenceMs });
  };

export const createReadBackwards = (client: EventStoreDBClient): ReadBackwards =>
  async function* readBackwards(stream, options = {}) {
    const read = client.readStream(stream, {
      direction: BACKWARDS,
      fromRevision: options.fromRevision ?? END,
    });
    for await (const resolved of resolvedFrom(
      pullFrom<Resolved>(read, () => read.cancel()),
      silenceMs,
    )) {
      const event = toRecordedEvent(resolved);
      if (event !== undefined) yield event;
    }
  };

/** `requiresLeader`: of a cluster, only the node that everything was written to answers. */
export interface ReadBounds {
  readonly timeoutMs: number;
  readonly requiresLeader?: true;
}

interface ForeignBounds {
  readonly prefixes: readonly string[];
  readonly count: number;
}

/** Events of a stream forwards from a revision, at most `count`. */
export async function readSome(
  client: EventStoreDBClient,
  stream: string,
  options: ReadBounds & { readonly from: bigint; readonly count: number },
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of readBounded(client, stream, options)) events.push(event);
  return events;
}

/** The last event of a stream; undefined where the stream does not exist. */
export async function readLast(
  client: EventStoreDBClient,
  stream: string,
  timeoutMs: number,
): Promise<RecordedEvent | undefined> {
  const read = client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 });
  for await (const resolved of resolvedFrom(
    pullFrom(read, () => read.cancel()),
    timeoutMs,
  )) {
    return toRecordedEvent(resolved);
  }
  return undefined;
}

/** The commit position of the newest event in the whole log, system events included. */
export async function readHead(
  client: EventStoreDBClient,
  { timeoutMs, ...leader }: ReadBounds,
): Promise<bigint | undefined> {
  const read = client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, ...leader });
  for await (const resolved of resolvedFrom(
    pullFrom(read, () => read.cancel()),
    timeoutMs,
  )) {
    return positionOf(resolved);
  }
  return undefined;
}

/**
 * How far the log goes on behind a commit position without an event of a stream under the prefixes: the position of the
 * last event before one, at most `count` further on; the given one where such an event follows at once, or none at all.
 */
export async function foreignUpTo(
  client: EventStoreDBClient,
  after: bigint,
  { prefixes, count, timeoutMs }: Pick<ReadBounds, "timeoutMs"> & ForeignBounds,
): Promise<bigint> {
  const fromPosition = after === 0n ? START : { commit: after, prepare: after };
  const read = client.readAll({ fromPosition, maxCount: count });
  let upTo = after;
  for await (const resolved of resolvedFrom(
    pullFrom<Resolved>(read, () => read.cancel()),
    timeoutMs,
  )) {
    const position = positionOf(resolved);
    // What is read begins with the event at the position itself.
    if (position === undefined || position <= after) continue;
    const stream = resolved.event?.streamId;
    if (stream === undefined || prefixes.some((prefix) => stream.startsWith(prefix))) break;
    upTo = position;
  }
  return upTo;
}

/** Whether an event of the whole log begins at exactly this commit position. */
export async function readsAt(
  client: EventStoreDBClient,
  position: bigint,
  { timeoutMs, ...leader }: ReadBounds,
): Promise<boolean> {
  const fromPosition = { commit: position, prepare: position };
  const read = client.readAll({ fromPosition, maxCount: 1, ...leader });
  const pull = pullFrom<Resolved>(read, () => read.cancel());
  try {
    for await (const resolved of resolvedFrom(pull, timeoutMs)) return positionOf(resolved) === position;
  } catch (error) {
    // EventStoreDB has no name for a position at which nothing begins.
    if (isUnknownError(pull.over()?.error)) return false;
    throw error;
  }
  return false;
}

async function* readBounded(
  client: EventStoreDBClient,
  stream: string,
  { from, count, timeoutMs, ...leader }: ReadBounds & { readonly from: bigint; readonly count?: number },
): AsyncGenerator<RecordedEvent> {
  const read = client.readStream(stream, {
    fromRevision: from === 0n ? START : from,
    ...(count === undefined ? {} : { maxCount: count }),
    ...leader,
  });
  const pull = pullFrom<Resolved>(read, () => read.cancel());
  for await (const resolved of resolvedFrom(pull, timeoutMs)) {
    const event = toRecordedEvent(resolved);
    if (event !== undefined) yield event;
  }
}

/** A stream that does not exist, or was deleted, holds nothing. */
async function* resolvedFrom(pull: Pull<Resolved>, timeoutMs: number): AsyncGenerator<Resolved> {
  try {
    for (;;) {
      const resolved = pull.take();
      if (resolved !== undefined) {
        yield resolved;
        continue;
      }
      const over = pull.over();
      if (over === undefined) {
        if (await pull.changed(timeoutMs)) continue;
        throw new EventLogUnavailable(`Cannot read the event store: no answer within ${timeoutMs} ms`);
      }
      if (over.error === undefined) return;
      const fault = storeFault(over.error);
      if (fault === "missing" || fault === "conflict") return;
      throw new EventLogUnavailable(`Cannot read the event store: ${faultReason(over.error)}`, {
        cause: over.error,
      });
    }
  } finally {
    await pull.stop();
  }
}
