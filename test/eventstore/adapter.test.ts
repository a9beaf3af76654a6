import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import type { LogBatch } from "../../src/eventstore/follow-log.ts";
import type { AppendOutcome } from "../../src/intake/event-log.ts";
import type { FollowLog } from "../../src/readmodel/event-feed.ts";
import { appended, quiet, type StoreProcess, storeProcess, until } from "./adapter-store.ts";

let server: StoreProcess;
let store: EventStore;
beforeAll(async () => {
  server = await storeProcess();
  store = connectEventStore({ url: server.url, log: quiet });
}, 30_000);
afterAll(async () => {
  await store.close();
  await server.remove();
}, 30_000);
afterEach(() => server.thaw());

const eventOf = (text = "", id: string = randomUUID()): NewEvent => ({
  id,
  type: "ApiKeyRevoked",
  data: { key_id: text, project_uuid: "p", revoked_at: "t" },
  metadata: { source: "test", received_at: "2026-01-01T00:00:00.000000000Z" },
});
const newStream = (prefix = "incident-") => `${prefix}${randomUUID()}`;
const collect = async (events: AsyncIterable<RecordedEvent>) => {
  const all: RecordedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

/** Follows the log into a list until stopped. */
function following(from: bigint | undefined, prefixes: readonly string[], maxEvents = 100) {
  const stop = new AbortController();
  const events: RecordedEvent[] = [];
  const batches: LogBatch[] = [];
  const drops: string[] = [];
  // The projector's port has the same shape; this line does not compile where it has not.
  const followLog: FollowLog = store.followLog;
  const done = (async () => {
    for await (const batch of followLog({
      from,
      prefixes,
      maxEvents,
      maxWaitMs: 20,
      signal: stop.signal,
      dropped: (reason) => drops.push(reason),
    })) {
      batches.push(batch);
      events.push(...batch.events);
    }
  })();
  const end = async () => {
    stop.abort();
    await done;
  };
  return { events, batches, drops, end, last: () => batches.at(-1) };
}

describe("appends and reads", () => {
  test("what was appended is read back, exactly", async () => {
    const stream = newStream();
    const events = [eventOf('\u0000 "quotes" ü 漢 😀'), eventOf("b")];
    const outcome = await appended(store, stream, events, "no_stream");
    expect(outcome.revision).toBe(1n);
    const read = await collect(store.readStream(stream));
    expect(read.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))).toEqual(
      events as never,
    );
    expect(read.map(({ revision }) => revision)).toEqual([0n, 1n]);
    expect(read.at(-1)?.position).toBe(outcome.position as bigint);
    expect((await collect(store.readStream(stream, { fromRevision: 1n }))).map(({ id }) => id)).toEqual([
      events[1]?.id ?? "",
    ]);
    expect(Math.abs((read[0]?.recorded_at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("a stream that does not exist holds nothing", async () => {
    expect(await collect(store.readStream(newStream()))).toEqual([]);
  });

  test("expectations are held, and the same ids again are a success", async () => {
    const stream = newStream();
    const first = eventOf("a");
    const second = eventOf("b");
    await appended(store, stream, [first], "no_stream");
    expect(await store.append(stream, [eventOf("x")], "no_stream")).toEqual({ tag: "conflict" });
    expect(await store.append(stream, [eventOf("x")], 7n)).toEqual({ tag: "conflict" });
    await appended(store, stream, [second], 0n);
    expect((await appended(store, stream, [second], 0n)).revision).toBe(1n);
    expect((await appended(store, stream, [first], "no_stream")).revision).toBe(0n);
    expect((await collect(store.readStream(stream))).length).toBe(2);
  });

  test("a read left early leaves nothing open: many more of them work", async () => {
    const stream = newStream();
    await appended(
      store,
      stream,
      Array.from({ length: 50 }, () => eventOf()),
      "any",
    );
    for (let n = 0; n < 150; n += 1) {
      for await (const event of store.readStream(stream)) {
        expect(event.revision).toBe(0n);
        break;
      }
    }
    expect((await collect(store.readStream(stream))).length).toBe(50);
  });

  test("the head is the position of the newest event", async () => {
    const { position } = await appended(store, newStream("other-"), [eventOf()], "any");
    expect(await store.head()).toBe(position as bigint);
    expect(await store.check()).toBeUndefined();
  });

  test("the log is read to its end under a prefix", async () => {
    const prefix = `incident-${randomUUID()}.`;
    const ids: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      const event = eventOf();
      ids.push(event.id);
      await appended(store, `${prefix}${n % 4}`, [event], "any");
      await appended(store, newStream("other-"), [eventOf()], "any");
    }
    expect((await collect(store.readLog({ prefixes: [prefix] }))).map(({ id }) => id)).toEqual(ids);
    expect(await collect(store.readLog({ prefixes: [newStream()] }))).toEqual([]);
  });
});

describe("following", () => {
  test("hands over what is stored and what comes, in order, only under the prefixes", async () => {
    const mine = `incident-${randomUUID()}.`;
    for (let n = 0; n < 60; n += 1) await appended(store, `${mine}${n % 3}`, [eventOf(String(n))], "any");
    const feed = following(undefined, [mine], 25);
    await until(() => feed.last()?.caughtUp === true);
    expect(feed.events.length).toBe(60);
    await appended(store, newStream("other-"), [eventOf()], "any");
    const { position } = await appended(store, `${mine}0`, [eventOf("60")], "any");
    await until(() => feed.events.length === 61);
    expect(feed.last()?.upTo).toBe(position as bigint);
    const positions = feed.events.map((event) => event.position);
    expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
    await feed.end();
    const resumed = following(positions[29], [mine]);
    await until(() => resumed.last()?.caughtUp === true);
    expect(resumed.events.map(({ position }) => position)).toEqual(positions.slice(30));
    await resumed.end();
  });

  test("a stretch that matches nothing moves the checkpoint", async () => {
    const feed = following(undefined, [newStream()]);
    for (let n = 0; n < 40; n += 1) await appended(store, newStream("other-"), [eventOf()], "any");
    const { position = 0n } = await appended(store, newStream("other-"), [eventOf()], "any");
    const late = following(undefined, [newStream()]);
    await until(() => (late.last()?.upTo ?? 0n) >= position && late.last()?.caughtUp === true);
    expect(late.events).toEqual([]);
    await Promise.all([feed.end(), late.end()]);
  });

  test("the last events of others are passed, though no checkpoint follows them", async () => {
    const mine = newStream();
    await appended(store, mine, [eventOf()], "any");
    const feed = following(undefined, [mine]);
    await until(() => feed.last()?.caughtUp === true);
    for (let n = 0; n < 5; n += 1) await appended(store, newStream("other-"), [eventOf()], "any");
    const head = (await store.head()) ?? 0n;
    await until(() => (feed.last()?.upTo ?? 0n) >= head);
    expect(feed.last()).toEqual({ events: [], upTo: head, caughtUp: true });
    const { position } = await appended(store, mine, [eventOf()], "any");
    await until(() => feed.events.length === 2);
    expect(feed.last()?.upTo).toBe(position as bigint);
    await feed.end();
  });

  test("many followers come and go and leave nothing open", async () => {
    for (let round = 0; round < 12; round += 1) {
      const feeds = Array.from({ length: 12 }, () => following(undefined, ["incident-"]));
      await until(() => feeds.every((feed) => feed.batches.length > 0));
      await Promise.all(feeds.map((feed) => feed.end()));
    }
    expect(await store.check()).toBeUndefined();
  }, 30_000);

  test("one stream is followed from its start, also one that does not exist yet", async () => {
    const stream = newStream("registry-");
    const seen: bigint[] = [];
    let caughtUp = 0;
    const stop = store.followStream(stream, {
      event: ({ revision }) => seen.push(revision),
      caughtUp: () => {
        caughtUp += 1;
      },
      dropped: () => undefined,
    });
    await until(() => caughtUp > 0);
    for (let n = 0; n < 20; n += 1) await appended(store, stream, [eventOf()], "any");
    await until(() => seen.length === 20);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => BigInt(n)));
    await stop();
  });
});

describe("a store that is killed", () => {
  test("loses nothing acknowledged; appends and followers work again without a new client", async () => {
    const prefix = `incident-${randomUUID()}.`;
    const feed = following(undefined, [prefix]);
    const acknowledged: string[] = [];
    const outcomes = new Set<AppendOutcome["tag"]>();
    let writing = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      while (writing) {
        const event = eventOf();
        const outcome = await store.append(`${prefix}${writer}`, [event], "any");
        outcomes.add(outcome.tag);
        if (outcome.tag === "appended") acknowledged.push(event.id);
        else await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    await until(() => acknowledged.length > 200);
    await server.kill();
    await until(() => outcomes.has("unavailable"));
    const before = acknowledged.length;
    await server.start();
    await until(() => acknowledged.length > before + 200);
    writing = false;
    await Promise.all(writers);
    const stored = await collect(store.readLog({ prefixes: [prefix] }));
    const ids = new Set(stored.map(({ id }) => id));
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(ids.size).toBe(stored.length);
    await until(() => feed.events.length === stored.length);
    expect(feed.events.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
    expect(feed.drops.length).toBeGreaterThan(0);
    await feed.end();
  }, 60_000);

  test("is said to be gone by reads and by the check, within their bounds", async () => {
    await server.kill();
    expect(await store.check()).toContain("nothing listens there");
    await expect(collect(store.readStream(newStream()))).rejects.toThrow("Cannot read the event store");
    await expect(store.head()).rejects.toThrow("Cannot read the event store");
    await server.start();
    await until(async () => (await store.check()) === undefined);
  }, 60_000);
});

describe("a store that is frozen", () => {
  test("answers unavailable within the bound, and everything works again afterwards", async () => {
    const stream = newStream();
    await appended(store, stream, [eventOf()], "any");
    const feed = following(undefined, [stream]);
    await until(() => feed.events.length === 1);
    server.freeze();
    const event = eventOf();
    const before = performance.now();
    expect((await store.append(stream, [event], 0n)).tag).toBe("unavailable");
    expect(performance.now() - before).toBeLessThan(5000);
    expect(await store.check(300)).toContain("does not answer");
    server.thaw();
    await until(async () => (await store.append(stream, [event], 0n)).tag === "appended");
    await until(() => feed.events.length === 2);
    expect(feed.events.map(({ revision }) => revision)).toEqual([0n, 1n]);
    expect((await collect(store.readStream(stream))).length).toBe(2);
    await feed.end();
  }, 60_000);
});
