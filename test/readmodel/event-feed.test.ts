// What whoever feeds the projector has to keep: the adapter on the embedded server, the log in memory, and the simulated
// store. Each is given the same events through its own door.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore } from "../../src/eventstore/client.ts";
import type { FeedBatch, FollowLog } from "../../src/readmodel/event-feed.ts";
import { quiet } from "../eventstore/adapter-store.ts";
import { openContractStore } from "../eventstore/contract-store.ts";
import { inWorld } from "../simulation/in-world.ts";
import { createStore } from "../simulation/simulated-store.ts";
import { createWorld, forEver } from "../simulation/world.ts";
import { createLogFeed } from "./log-feed.ts";

interface Feed {
  readonly append: (stream: string, event: NewEvent) => Promise<void>;
  readonly follow: FollowLog;
  readonly close: () => Promise<void>;
}

const feeds: Readonly<Record<string, () => Promise<Feed>>> = {
  "the adapter": async () => {
    const server = await openContractStore();
    const store = connectEventStore({ url: server.url, log: quiet });
    return {
      append: async (stream, event) => {
        expect((await store.append(stream, [event], "any")).tag).toBe("appended");
      },
      follow: store.followLog,
      close: async () => {
        await store.close();
        await server.close();
      },
    };
  },
  "the log in memory": async () => {
    const log = createLogFeed();
    let events = 0;
    return {
      append: async (stream, event) => {
        events += 1;
        const place = { stream, revision: BigInt(events), position: BigInt(events) };
        log.append([{ ...event, ...place, recorded_at: new Date(0) } as RecordedEvent]);
      },
      follow: log.follow,
      close: async () => {},
    };
  },
  "the simulated store": async () => {
    const world = createWorld(1);
    const come = inWorld(world);
    const store = createStore(world, { largestAppendBytes: 1_000_000, kind: "embedded", problem: () => {} });
    const append = store.append(forEver, { by: "webhook", life: 1 });
    return {
      append: async (stream, event) => {
        expect((await come(append(stream, [event], "any"))).tag).toBe("appended");
      },
      follow: (options) => {
        const batches = store.follow(forEver)(options)[Symbol.asyncIterator]();
        return { [Symbol.asyncIterator]: () => ({ next: () => come(batches.next()) }) };
      },
      close: async () => {},
    };
  },
};

const event = (letter: string): NewEvent => ({
  id: randomUUID(),
  type: "ApiKeyRevoked",
  data: { key_id: letter, project_uuid: "p", revoked_at: "t" },
  metadata: { source: "test", received_at: "2026-01-01T00:00:00.000000000Z" },
});
const lettersOf = (batches: readonly FeedBatch[]): string =>
  batches.flatMap(({ events }) => events.map(({ data }) => (data as { key_id: string }).key_id)).join("");

for (const [name, open] of Object.entries(feeds)) {
  describe(name, () => {
    let feed: Feed;
    const prefix = `incident-${randomUUID()}.`;
    beforeAll(async () => {
      feed = await open();
      for (const letter of "abcdef") {
        await feed.append(`${prefix}${letter}`, event(letter));
        await feed.append(`other-${prefix}`, event("x"));
      }
    });
    afterAll(() => feed.close());

    /** Batches until everything was handed over; of a follower that goes on, at most so many. */
    async function batchesFrom(from: bigint | undefined, maxEvents = 100): Promise<readonly FeedBatch[]> {
      const stop = new AbortController();
      const batches: FeedBatch[] = [];
      const options = { from, prefixes: [prefix], maxEvents, maxWaitMs: 20, signal: stop.signal };
      const dropped = (reason: string): never => {
        throw new Error(reason);
      };
      for await (const batch of feed.follow({ ...options, dropped })) {
        batches.push(batch);
        if (batch.caughtUp || batches.length === 50) break;
      }
      stop.abort();
      return batches;
    }

    test("hands over each event under the prefixes once and in order, and says when that is all", async () => {
      const batches = await batchesFrom(undefined);
      expect([lettersOf(batches), batches.at(-1)?.caughtUp]).toEqual(["abcdef", true]);
    });

    test("cuts batches of at most so many, each with how far it is safe to go on from", async () => {
      const batches = await batchesFrom(undefined, 2);
      expect(lettersOf(batches)).toBe("abcdef");
      expect(batches.every(({ events }) => events.length <= 2)).toBe(true);
      expect(batches.length).toBeGreaterThan(2);
      // Behind the last one there is nothing to come.
      for (const [at, { upTo }] of batches.slice(0, -1).entries())
        expect(lettersOf(batches.slice(0, at + 1)) + lettersOf(await batchesFrom(upTo))).toBe("abcdef");
    });

    test("goes on after a position: what stands there is not handed over again", async () => {
      const [third] = (await batchesFrom(undefined)).flatMap(({ events }) => events).slice(2);
      expect(lettersOf(await batchesFrom(third?.position))).toBe("def");
    });
  });
}
