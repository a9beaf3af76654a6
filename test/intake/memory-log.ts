// An event log in memory that keeps the ports' promises (event-log.test.ts holds it to them), for tests: it can be told
// to refuse, to hold and to lag. The rules of an append are the embedded server's own.

import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { type decideAppend, decideEachOnce } from "../../src/eventstore/embedded/append-rules.ts";
import type {
  AppendEvents,
  AppendOutcome,
  ExpectedRevision,
  FollowStream,
  ReadBackwards,
  ReadStream,
} from "../../src/intake/event-log.ts";

/** `decide`: the rules of an append, those for the ledger unless told otherwise. */
export function memoryLog(decide: typeof decideAppend = decideEachOnce) {
  const events: RecordedEvent[] = [];
  const streams = new Map<string, RecordedEvent[]>();
  const followers = new Set<() => void>();
  let refusal: string | undefined;
  let instead: (() => Promise<AppendOutcome | undefined>) | undefined;
  let lags = false;
  const inStream = (stream: string): readonly RecordedEvent[] => streams.get(stream) ?? [];

  const store = (
    stream: string,
    proposed: readonly NewEvent[],
    expected: ExpectedRevision,
  ): AppendOutcome => {
    const held = streams.get(stream) ?? [];
    const decision = decide(
      typeof expected === "bigint" ? Number(expected) : expected,
      { last: held.length - 1, tombstoned: false, softDeleted: false, hasMetadata: false },
      {
        revisionOf: (id) => {
          const found = held.findIndex((event) => event.id === textOf(id));
          return found < 0 ? undefined : found;
        },
        idAt: (revision) => bytesOf(held[revision]?.id),
      },
      proposed.map(({ id }) => Buffer.from(id)),
    );
    if (decision.tag === "stored_before") return appendedAt(held[decision.last]);
    if (decision.tag !== "write" && decision.tag !== "write_some") return { tag: "conflict" };
    streams.set(stream, held);
    for (const [place, { id, type, data, metadata }] of proposed.entries()) {
      if (decision.tag === "write_some" && !decision.places.includes(place)) continue;
      const revision = BigInt(held.length);
      const position = BigInt(events.length * 100);
      const recorded = { id, type, data, metadata, stream, revision, position, recorded_at: new Date(0) };
      held.push(recorded);
      events.push(recorded);
    }
    for (const deliver of followers) deliver();
    return appendedAt(held.at(-1));
  };

  const append: AppendEvents = async (stream, proposed, expected) => {
    const outcome = await instead?.();
    if (outcome !== undefined) return outcome;
    return refusal === undefined
      ? store(stream, proposed, expected)
      : { tag: "unavailable", reason: refusal };
  };
  const readStream: ReadStream = async function* (stream, { fromRevision = 0n } = {}) {
    yield* inStream(stream).slice(Number(fromRevision));
  };
  const readBackwards: ReadBackwards = async function* (stream, { fromRevision } = {}) {
    const upTo = fromRevision === undefined ? undefined : Number(fromRevision) + 1;
    yield* inStream(stream).slice(0, upTo).reverse();
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
    readBackwards,
    follow,
    inStream,
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

/** Of an append that stored nothing there is nothing to tell. */
const appendedAt = (last: RecordedEvent | undefined): AppendOutcome =>
  last === undefined
    ? { tag: "conflict" }
    : { tag: "appended", revision: last.revision, position: last.position };

const bytesOf = (id: string | undefined): Uint8Array | undefined =>
  id === undefined ? undefined : Buffer.from(id);
const textOf = (id: Uint8Array): string => Buffer.from(id).toString();
