// What any event store has to answer to appends, reads and deletes: run against the embedded one, or EVENTSTORE_URL.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { ANY, BACKWARDS, END, ErrorType, NO_STREAM, START, STREAM_EXISTS } from "@eventstore/db-client";
import { appendCases } from "./append-cases.ts";
import {
  type ContractStore,
  event,
  numbersIn,
  openContractStore,
  outcomeOf,
  unique,
  upTo,
} from "./contract-store.ts";

let store: ContractStore;
beforeAll(async () => {
  store = await openContractStore();
});
afterAll(() => store.close());

const wrong = "wrong-expected-version";
const expectations = { any: ANY, no_stream: NO_STREAM, stream_exists: STREAM_EXISTS } as const;
type Expected = (typeof expectations)[keyof typeof expectations] | bigint;

describe("expected revision and ids", () => {
  for (const { rule, stored, expected, appended, outcome, after } of appendCases) {
    test(rule, async () => {
      const stream = unique("rule");
      const ids = new Map<string, string>();
      const events = (letters: string) =>
        [...letters].map((letter) => {
          const id = ids.get(letter) ?? randomUUID();
          ids.set(letter, id);
          return event(letter.charCodeAt(0), { id });
        });
      if (stored !== "") await store.client.appendToStream(stream, events(stored));
      const got = await outcomeOf(
        store.client.appendToStream(stream, events(appended), {
          expectedRevision: typeof expected === "bigint" ? expected : expectations[expected],
        }),
      );
      const read = await numbersIn(store.client, stream);
      expect({ got, read }).toEqual({
        got: outcome === "conflict" ? wrong : outcome,
        read: after === "" ? "stream-not-found" : [...after].map((letter) => letter.charCodeAt(0)),
      });
    });
  }

  test("an id known in one stream is new in another", async () => {
    const same = event(7);
    for (const stream of [unique("one"), unique("other")]) {
      expect(await outcomeOf(store.client.appendToStream(stream, same))).toBe(0);
      expect(await numbersIn(store.client, stream)).toEqual([7]);
    }
  });

  test("equal appends in flight at once are stored once", async () => {
    const stream = unique("at-once");
    const same = event(1);
    const answers = await Promise.all(
      upTo(30).map(() => outcomeOf(store.client.appendToStream(stream, same))),
    );
    expect(new Set(answers)).toEqual(new Set([0]));
    expect(await numbersIn(store.client, stream)).toEqual([1]);
  });

  test("of many writers at one revision, one wins", async () => {
    const stream = unique("race");
    await store.client.appendToStream(stream, event(0));
    const answers = await Promise.all(
      upTo(20).map((n) => outcomeOf(store.client.appendToStream(stream, event(n), { expectedRevision: 0n }))),
    );
    expect(answers.filter((answer) => answer === 1)).toHaveLength(1);
    expect(answers.filter((answer) => answer === wrong)).toHaveLength(19);
  });

  test("an append with credentials, on the path without batches, follows the same rules", async () => {
    const stream = unique("unary");
    const options = { credentials: { username: "admin", password: "changeit" } };
    const first = event(0);
    const append = (revision: Expected) =>
      outcomeOf(store.client.appendToStream(stream, first, { ...options, expectedRevision: revision }));
    expect(await append(NO_STREAM)).toBe(0);
    expect(await append(NO_STREAM)).toBe(0);
    expect(await append(5n)).toBe(wrong);
    expect(await numbersIn(store.client, stream)).toEqual([0]);
  });

  test("an append over 1 MiB is refused whole", async () => {
    const stream = unique("large");
    const large = { ...event(1), data: { n: 1, text: "x".repeat(1_100_000) } };
    expect(await outcomeOf(store.client.appendToStream(stream, [event(0), large]))).toBe(
      ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
    );
    expect(await numbersIn(store.client, stream)).toBe("stream-not-found");
  });
});

describe("reads", () => {
  test("a stream reads forwards and backwards, from a revision, limited, over many pages", async () => {
    const stream = unique("pages");
    await store.client.appendToStream(
      stream,
      upTo(700).map((n) => event(n)),
    );
    const read = (options: Parameters<typeof numbersIn>[2]) => numbersIn(store.client, stream, options);
    expect(await read({})).toEqual(upTo(700));
    expect(await read({ direction: BACKWARDS, fromRevision: END })).toEqual(upTo(700).reverse());
    expect(await read({ fromRevision: 650n, maxCount: 3 })).toEqual([650, 651, 652]);
    expect(await read({ direction: BACKWARDS, fromRevision: 2n })).toEqual([2, 1, 0]);
    expect(await read({ fromRevision: 700n })).toEqual([]);
  });

  test("large events come whole and in order", async () => {
    const stream = unique("large-pages");
    for (const n of upTo(6)) {
      await store.client.appendToStream(stream, { ...event(n), data: { n, text: "x".repeat(900_000) } });
    }
    expect(await numbersIn(store.client, stream)).toEqual(upTo(6));
    expect(await numbersIn(store.client, stream, { direction: BACKWARDS, fromRevision: END })).toEqual(
      upTo(6).reverse(),
    );
  });

  test("the log's positions rise, and appends tell them", async () => {
    const stream = unique("positions");
    const told: bigint[] = [];
    for (const n of upTo(3)) {
      const { position } = await store.client.appendToStream(stream, event(n));
      if (position !== undefined) told.push(position.commit);
    }
    const [from] = told;
    if (from === undefined) throw new Error("No position was told.");
    const positions: bigint[] = [];
    const mine: bigint[] = [];
    const start = { commit: from, prepare: from };
    for await (const resolved of store.client.readAll({ fromPosition: start })) {
      const position = resolved.event?.position.commit ?? -1n;
      positions.push(position);
      if (resolved.event?.streamId === stream) mine.push(position);
    }
    expect(mine).toEqual(told);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => (a < b ? -1 : 1)));
  });

  test("the whole log reads newest first", async () => {
    const stream = unique("newest");
    await store.client.appendToStream(stream, [event(0), event(1)]);
    const seen: string[] = [];
    for await (const { event: read } of store.client.readAll({
      direction: BACKWARDS,
      fromPosition: END,
      maxCount: 500,
    })) {
      if (read?.streamId === stream) seen.push(String(read.revision));
    }
    expect(seen).toEqual(["1", "0"]);
  });
});

describe("metadata and deletes", () => {
  test("$maxCount shows the newest only, and settings are read back", async () => {
    const stream = unique("max-count");
    await store.client.appendToStream(
      stream,
      upTo(5).map((n) => event(n)),
    );
    await store.client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await numbersIn(store.client, stream)).toEqual([3, 4]);
    expect((await store.client.getStreamMetadata(stream)).metadata?.maxCount).toBe(2);
    await store.client.appendToStream(stream, event(5));
    expect(await numbersIn(store.client, stream)).toEqual([4, 5]);
  });

  test("$tb hides what is before it; a later setting without it shows it again", async () => {
    const stream = unique("truncated");
    await store.client.appendToStream(
      stream,
      upTo(4).map((n) => event(n)),
    );
    await store.client.setStreamMetadata(stream, { truncateBefore: 3 });
    expect(await numbersIn(store.client, stream)).toEqual([3]);
    await store.client.setStreamMetadata(stream, {});
    expect(await numbersIn(store.client, stream)).toEqual([0, 1, 2, 3]);
  });

  test("$maxAge shows what is young and hides what is not", async () => {
    const stream = unique("max-age");
    await store.client.appendToStream(stream, [event(0)]);
    await store.client.setStreamMetadata(stream, { maxAge: 3_600 });
    expect(await numbersIn(store.client, stream)).toEqual([0]);
    await store.client.setStreamMetadata(stream, { maxAge: 1 });
    const end = performance.now() + 10_000;
    let read = await numbersIn(store.client, stream);
    while (read.length > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      read = await numbersIn(store.client, stream);
    }
    expect(read).toEqual([]);
  });

  test("a deleted stream is missing, and goes on with its numbers when appended to", async () => {
    const stream = unique("deleted");
    await store.client.appendToStream(stream, [event(0), event(1)]);
    await store.client.deleteStream(stream);
    expect(await numbersIn(store.client, stream)).toBe("stream-not-found");
    expect(await outcomeOf(store.client.appendToStream(stream, event(2)))).toBe(2);
    expect(await numbersIn(store.client, stream, { fromRevision: START })).toEqual([2]);
  });

  test("a tombstoned stream is gone for good", async () => {
    const stream = unique("tombstone");
    await store.client.appendToStream(stream, event(0));
    await store.client.tombstoneStream(stream);
    expect(await numbersIn(store.client, stream)).toBe("stream-deleted");
    expect(await outcomeOf(store.client.appendToStream(stream, event(1)))).toBe("stream-deleted");
  });
});
