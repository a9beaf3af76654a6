// What whoever stands behind intake's port to the event store has to keep: the adapter on the embedded server, the log in
// memory, and the simulation's store.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore } from "../../src/eventstore/client.ts";
import type { AppendEvents, FollowStream, ReadStream } from "../../src/intake/event-log.ts";
import { quiet, until } from "../eventstore/adapter-store.ts";
import { appendCases } from "../eventstore/append-cases.ts";
import { openContractStore, unique } from "../eventstore/contract-store.ts";
import { inWorld } from "../simulation/in-world.ts";
import { createStore } from "../simulation/simulated-store.ts";
import { createWorld, forEver } from "../simulation/world.ts";
import { memoryLog } from "./memory-log.ts";

interface EventLog {
  readonly append: AppendEvents;
  readonly readStream: ReadStream;
  /** Absent where nobody follows a stream on it. */
  readonly follow?: FollowStream;
  readonly close: () => Promise<void>;
}

const logs: Readonly<Record<string, () => Promise<EventLog>>> = {
  "the adapter": async () => {
    const server = await openContractStore();
    const { append, readStream, followStream, close } = connectEventStore({ url: server.url, log: quiet });
    return {
      append,
      readStream,
      follow: followStream,
      close: async () => {
        await close();
        await server.close();
      },
    };
  },
  "the log in memory": async () => ({ ...memoryLog(), close: async () => {} }),
  "the simulated store": async () => simulated(),
};

/** The world moves while something is waited for. Nobody follows a stream there: the registry is not simulated. */
function simulated(): EventLog {
  const world = createWorld(1);
  const problems: string[] = [];
  const store = createStore(world, {
    largestAppendBytes: 1024 * 1024,
    kind: "embedded",
    problem: (text) => problems.push(text),
  });
  const append = store.append(forEver, { by: "webhook", life: 1 });
  const readStream = store.readStream(forEver);
  const come = inWorld(world);
  return {
    append: (...call) => come(append(...call)),
    readStream: async function* (...call) {
      yield* await come(collect(readStream(...call)));
    },
    close: async () => {},
  };
}

const collect = async (events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> => {
  const all: RecordedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

const event = (letter: string, id: string = randomUUID()): NewEvent => ({
  id,
  type: "ApiKeyRevoked",
  data: { key_id: letter, project_uuid: "p", revoked_at: "t" },
  metadata: { source: "test", received_at: "2026-01-01T00:00:00.000000000Z" },
});
const letterOf = ({ data }: Pick<RecordedEvent, "data">): unknown => (data as { key_id?: unknown }).key_id;

for (const [name, open] of Object.entries(logs)) {
  describe(name, () => {
    let log: EventLog;
    beforeAll(async () => {
      log = await open();
    });
    afterAll(() => log.close());
    const lettersIn = async (...call: Parameters<ReadStream>): Promise<unknown[]> =>
      (await collect(log.readStream(...call))).map(letterOf);

    for (const { rule, stored, expected, appended, ...original } of appendCases) {
      if (expected === "stream_exists") continue;
      const { outcome, after } = original.eachOnce ?? original;
      test(rule, async () => {
        const stream = unique("rule");
        const ids = new Map<string, string>();
        const events = (letters: string) =>
          [...letters].map((letter) => {
            const id = ids.get(letter) ?? randomUUID();
            ids.set(letter, id);
            return event(letter, id);
          });
        if (stored !== "") expect((await log.append(stream, events(stored), "any")).tag).toBe("appended");
        const got = await log.append(stream, events(appended), expected);
        expect(got.tag === "appended" ? Number(got.revision) : got.tag).toBe(outcome);
        expect(await lettersIn(stream)).toEqual([...after]);
      });
    }

    test("what is read is what was appended, with its place in the stream and in the log", async () => {
      const [stream, other] = [unique("read"), unique("other")];
      const sent = [event("a"), event("b"), event("c")];
      for (const one of sent) {
        await log.append(stream, [one], "any");
        await log.append(other, [event("x")], "any");
      }
      const read = await collect(log.readStream(stream));
      expect(read.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }) as unknown)).toEqual(
        sent,
      );
      expect(read.map(({ revision }) => revision)).toEqual([0n, 1n, 2n]);
      const all = [...read, ...(await collect(log.readStream(other)))].map(({ position }) => position);
      expect(new Set(all).size).toBe(6);
      expect(all.slice(0, 3)).toEqual(all.slice(0, 3).sort((a, b) => (a < b ? -1 : 1)));
      expect(new Set(read.map((one) => one.stream))).toEqual(new Set([stream]));
    });

    test("an append tells the revision and the position of its last event", async () => {
      const stream = unique("told");
      const outcome = await log.append(stream, [event("a"), event("b")], "no_stream");
      const read = await collect(log.readStream(stream));
      expect(outcome).toEqual({ tag: "appended", revision: 1n, position: read[1]?.position ?? -1n });
    });

    test("a stream is read from a revision, beyond its end and where there is none", async () => {
      const stream = unique("from");
      await log.append(
        stream,
        ["a", "b", "c"].map((letter) => event(letter)),
        "any",
      );
      expect(await lettersIn(stream, { fromRevision: 1n })).toEqual(["b", "c"]);
      expect(await lettersIn(stream, { fromRevision: 3n })).toEqual([]);
      expect(await lettersIn(unique("nowhere"))).toEqual([]);
    });

    test("of many writers at one revision, one wins", async () => {
      const stream = unique("race");
      await log.append(stream, [event("a")], "no_stream");
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => log.append(stream, [event("b")], 0n)),
      );
      const lost = answers.filter(({ tag }) => tag === "conflict");
      expect([lost.length, await lettersIn(stream)]).toEqual([7, ["a", "b"]]);
    });

    if (name === "the simulated store") return;
    test("who follows a stream hears each of its events once and in order, and when it has heard all", async () => {
      const stream = unique("followed");
      await log.append(stream, [event("a"), event("b")], "any");
      const heard: unknown[] = [];
      let caughtUpAfter = -1;
      const stop = log.follow?.(stream, {
        event: (one) => heard.push(letterOf(one)),
        caughtUp: () => {
          caughtUpAfter = heard.length;
        },
        dropped: (reason) => heard.push(reason),
      });
      await until(() => caughtUpAfter === 2);
      await log.append(unique("other"), [event("x")], "any");
      await log.append(stream, [event("c")], "any");
      await until(() => heard.length === 3);
      await stop?.();
      await log.append(stream, [event("d")], "any");
      expect(heard).toEqual(["a", "b", "c"]);
    });
  });
}
