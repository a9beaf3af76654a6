// An event log in memory that keeps the ports' promises, for tests of intake: same ids are stored once, expected
// revisions are checked, streams are read in order and followed, and it can be told to refuse, to hold and to lag.

import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import type {
  AppendEvents,
  AppendOutcome,
  ExpectedRevision,
  FollowStream,
  ReadStream,
} from "../../src/intake/event-log.ts";

export function memoryLog() {
  const events: RecordedEvent[] = [];
  const followers = new Set<() => void>();
  let refusal: string | undefined;
  let instead: (() => Promise<AppendOutcome | undefined>) | undefined;
  let lags = false;
  const inStream = (stream: string) => events.filter((event) => event.stream === stream);

  const isExpected = (stream: string, expected: ExpectedRevision): boolean => {
    const size = inStream(stream).length;
    return expected === "any" || (expected === "no_stream" ? size === 0 : expected === BigInt(size - 1));
  };
  const store = (
    stream: string,
    proposed: readonly NewEvent[],
    expected: ExpectedRevision,
  ): AppendOutcome => {
    const before = proposed.map(({ id }) =>
      events.find((event) => event.id === id && event.stream === stream),
    );
    const last = before.at(-1);
    if (last !== undefined && before.every((event) => event !== undefined)) {
      return { tag: "appended", revision: last.revision, position: last.position };
    }
    // A part of the group is stored already: the store takes that for a fault.
    if (before.some((event) => event !== undefined) || !isExpected(stream, expected))
      return { tag: "conflict" };
    for (const event of proposed) {
      events.push({
        ...event,
        stream,
        revision: BigInt(inStream(stream).length),
        position: BigInt(events.length * 100),
        recorded_at: new Date(0),
      });
    }
    for (const deliver of followers) deliver();
    const stored = inStream(stream).at(-1);
    return stored === undefined
      ? { tag: "conflict" }
      : { tag: "appended", revision: stored.revision, position: stored.position };
  };

  const append: AppendEvents = async (stream, proposed, expected) => {
    const outcome = await instead?.();
    if (outcome !== undefined) return outcome;
    return refusal === undefined
      ? store(stream, proposed, expected)
      : { tag: "unavailable", reason: refusal };
  };
  const readStream: ReadStream = async function* (stream, options = {}) {
    for (const event of inStream(stream)) if (event.revision >= (options.fromRevision ?? 0n)) yield event;
  };
  const follow: FollowStream = (stream, handlers) => {
    let next = 0;
    const deliver = (): void => {
      if (lags) return;
      for (const event of inStream(stream).slice(next)) handlers.event(event);
      next = inStream(stream).length;
      handlers.caughtUp();
    };
    const later = (): void => queueMicrotask(() => followers.has(later) && deliver());
    followers.add(later);
    later();
    return async () => {
      followers.delete(later);
    };
  };
  return {
    events,
    append,
    readStream,
    follow,
    followers: () => followers.size,
    ofType: (type: string) => events.filter((event) => event.type === type),
    refuse: (reason: string | undefined) => {
      refusal = reason;
    },
    /** Asked before each append; what it answers is the append's outcome, undefined lets it through. */
    answerInstead: (answer: (() => Promise<AppendOutcome | undefined>) | undefined) => {
      instead = answer;
    },
    /** While true, those who follow hear nothing; what they missed comes when it ends. */
    lag: (isLagging: boolean) => {
      lags = isLagging;
      if (!isLagging) for (const deliver of followers) deliver();
    },
  };
}
