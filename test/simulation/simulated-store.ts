// An event store behind a network: requests and answers get lost, come late, come twice and overtake each other, and at
// times nobody answers. What it stores lasts. The rules of an append are the embedded server's own.

import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { decideAppend, decideEachOnce, type Expected } from "../../src/eventstore/embedded/append-rules.ts";
import {
  type AppendEvents,
  type AppendOutcome,
  EventLogUnavailable,
  type ExpectedRevision,
  type ReadBackwards,
  type ReadStream,
} from "../../src/intake/event-log.ts";
import type { FeedBatch, FollowLog } from "../../src/readmodel/event-feed.ts";
import { forEver, type Life, type World } from "./world.ts";

/** Who has an event stored: a webhook's own append, or the forwarder. */
export interface Writer {
  readonly by: "webhook" | "forwarder";
  /** In which life of the service it was sent. */
  readonly life: number;
}

export interface StoredEvent extends Writer {
  readonly event: RecordedEvent;
}

export interface StoreFaults {
  isAway: boolean;
  /** Chances of a request or an answer. */
  lost: number;
  twice: number;
  late: number;
}

export interface SimulatedStore {
  readonly log: readonly StoredEvent[];
  readonly inStream: (stream: string) => readonly StoredEvent[];
  readonly append: (life: Life, writer: Writer) => AppendEvents;
  readonly readStream: (life: Life) => ReadStream;
  readonly readBackwards: (life: Life) => ReadBackwards;
  readonly follow: (life: Life) => FollowLog;
  readonly faults: StoreFaults;
  /** Whether it stores each id once, or, like EventStoreDB, each receipt of a webhook. */
  readonly promises: "ids_once" | "receipts_once";
  readonly counts: { lost: number; twice: number; late: number; stored: number; repeats: number };
}

/** The adapter's own bound: by then an append has an outcome. */
const boundMs = 2_000;

export function createStore(
  world: World,
  options: {
    readonly largestAppendBytes: number;
    /** The embedded one, or EventStoreDB: that looks for an append's first id only, and forgets ids when it restarts. */
    readonly kind: "embedded" | "eventstoredb";
    readonly problem: (text: string) => void;
  },
): SimulatedStore {
  const random = world.random.fork("store");
  const log: StoredEvent[] = [];
  const streams = new Map<string, { readonly events: StoredEvent[]; readonly places: Map<string, number> }>();
  const followers = new Set<() => void>();
  const isEmbedded = options.kind === "embedded";
  let isAway = false;
  /** Restarts; what was on its way to an EventStoreDB before is lost with its connection. */
  let restarts = 0;
  const faults: StoreFaults = {
    get isAway() {
      return isAway;
    },
    set isAway(away) {
      if (away && !isAway) {
        restarts += 1;
        if (!isEmbedded) for (const { places } of streams.values()) places.clear();
      }
      isAway = away;
    },
    lost: 0,
    twice: 0,
    late: 0,
  };
  const counts = { lost: 0, twice: 0, late: 0, stored: 0, repeats: 0 };

  const delayMs = (): number => {
    if (!random.chance(faults.late)) return 1 + 10 * random.next() ** 2;
    counts.late += 1;
    return 200 + random.below(6_000);
  };
  const isLost = (): boolean => {
    if (!random.chance(faults.lost)) return false;
    counts.lost += 1;
    return true;
  };

  function store(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    writer: Writer,
  ): AppendOutcome {
    const bytes = events.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
    if (bytes > options.largestAppendBytes) return { tag: "too_large" };
    const held = streams.get(stream) ?? { events: [], places: new Map<string, number>() };
    streams.set(stream, held);
    const last = held.events.length - 1;
    const decision = (isEmbedded ? decideEachOnce : decideAppend)(
      (typeof expected === "bigint" ? Number(expected) : expected) as Expected,
      { last, tombstoned: false, softDeleted: false, hasMetadata: false },
      {
        revisionOf: (id) => held.places.get(textOf(id)),
        idAt: (revision) => {
          const found = held.events[revision];
          return found && bytesOf(found.event.id);
        },
      },
      events.map(({ id }) => bytesOf(id)),
    );
    if (decision.tag === "stored_before") {
      counts.repeats += 1;
      const position = held.events[decision.last]?.event.position ?? 0n;
      return { tag: "appended", revision: BigInt(decision.last), position };
    }
    if (decision.tag !== "write" && decision.tag !== "write_some") return { tag: "conflict" };
    for (const [place, event] of events.entries()) {
      if (decision.tag === "write_some" && !decision.places.includes(place)) continue;
      const isTwice = held.events.some(
        (one) =>
          one.event.id === event.id &&
          (isEmbedded || one.event.metadata.$correlationId === event.metadata.$correlationId),
      );
      if (isTwice) options.problem(`${event.id} is stored twice in ${stream}`);
      const revision = held.events.length;
      const stored = {
        event: {
          id: event.id,
          type: event.type,
          // What is stored is what was sent: JSON, and nothing of the sender's memory.
          data: JSON.parse(JSON.stringify(event.data)),
          metadata: JSON.parse(JSON.stringify(event.metadata)),
          stream,
          revision: BigInt(revision),
          position: BigInt(log.length + 1) * 100n,
          recorded_at: new Date(0),
        },
        ...writer,
      };
      held.events.push(stored);
      held.places.set(event.id, revision);
      log.push(stored);
      counts.stored += 1;
      world.note(event.id);
    }
    for (const wake of followers) wake();
    const newest = held.events.at(-1)?.event;
    return { tag: "appended", revision: newest?.revision ?? 0n, position: newest?.position ?? 0n };
  }

  const append =
    (life: Life, writer: Writer): AppendEvents =>
    (stream, events, expected) =>
      new Promise((resolve) => {
        const answers = world.after(life, "store answers");
        if (faults.isAway && random.chance(0.7)) {
          const unsent = random.chance(0.5) ? { unsent: true as const } : {};
          const reason = "the simulated store is away";
          answers(random.below(30), () => resolve({ tag: "unavailable", reason, ...unsent }));
          return;
        }
        const giveUp = world.after(life, "append gives up")(boundMs, () =>
          resolve({ tag: "unavailable", reason: "no answer" }),
        );
        const sentAfter = restarts;
        const arrive = (): void => {
          if (faults.isAway || (!isEmbedded && restarts > sentAfter)) return;
          const outcome = store(stream, events, expected, writer);
          if (isLost()) return;
          answers(delayMs(), () => {
            giveUp();
            resolve(outcome);
          });
        };
        const request = world.after(forEver, "append arrives");
        if (!isLost()) request(delayMs(), arrive);
        if (random.chance(faults.twice)) {
          counts.twice += 1;
          request(delayMs() * 3, arrive);
        }
      });

  const readStream = (life: Life): ReadStream =>
    async function* (stream, { fromRevision = 0n } = {}) {
      const pause = pauseOf(world, life, "stream is read");
      for (let next = Number(fromRevision); ; ) {
        await pause(delayMs());
        if (faults.isAway || isLost()) throw new EventLogUnavailable("the simulated store is away");
        const page = streams.get(stream)?.events.slice(next, next + 1 + random.below(8)) ?? [];
        if (page.length === 0) return;
        next += page.length;
        for (const { event } of page) yield event;
      }
    };

  const readBackwards = (life: Life): ReadBackwards =>
    async function* (stream, { fromRevision } = {}) {
      const pause = pauseOf(world, life, "stream is read backwards");
      const asked = async (): Promise<void> => {
        await pause(delayMs());
        if (faults.isAway || isLost()) throw new EventLogUnavailable("the simulated store is away");
      };
      await asked();
      const newest = BigInt((streams.get(stream)?.events.length ?? 0) - 1);
      for (let next = Number(fromRevision ?? newest); next >= 0; await asked()) {
        for (let more = 1 + random.below(8); more > 0 && next >= 0; more -= 1, next -= 1) {
          const event = streams.get(stream)?.events[next]?.event;
          if (event !== undefined) yield event;
        }
      }
    };

  const follow = (life: Life): FollowLog =>
    async function* ({ from, prefixes, maxEvents, signal, dropped }): AsyncGenerator<FeedBatch> {
      const pause = pauseOf(world, life, "feed");
      let next = log.findIndex(({ event }) => from === undefined || event.position > from);
      if (next === -1) next = log.length;
      while (!signal.aborted) {
        await pause(random.chance(faults.late) ? delayMs() : 1 + random.below(5));
        if (signal.aborted) return;
        if (faults.isAway || isLost()) {
          dropped("the simulated store is away");
          if (random.chance(0.2)) throw new EventLogUnavailable("the simulated store is away");
          await pause(100);
          continue;
        }
        const some = log.slice(next, next + Math.min(maxEvents, 1 + random.below(40)));
        const last = some.at(-1);
        if (last === undefined) {
          await new Promise<void>((resolve) => {
            const wake = (): void => {
              followers.delete(wake);
              resolve();
            };
            followers.add(wake);
            signal.addEventListener("abort", wake, { once: true });
          });
          continue;
        }
        next += some.length;
        yield {
          events: some
            .map(({ event }) => event)
            .filter(({ stream }) => prefixes.some((one) => stream.startsWith(one))),
          upTo: last.event.position,
          caughtUp: next === log.length,
        };
      }
    };

  return {
    log,
    inStream: (stream) => streams.get(stream)?.events ?? [],
    append,
    readStream,
    readBackwards,
    follow,
    promises: isEmbedded ? "ids_once" : "receipts_once",
    faults,
    counts,
  };
}

export const pauseOf =
  (world: World, life: Life, label: string) =>
  (ms: number): Promise<void> =>
    new Promise((resolve) => {
      world.after(life, label)(ms, resolve);
    });

const bytesOf = (id: string): Uint8Array => Buffer.from(id, "latin1");
const textOf = (id: Uint8Array): string =>
  Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1");
