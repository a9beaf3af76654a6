// What any event store has to answer to subscriptions: run against the embedded one, or EVENTSTORE_URL.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { END, eventTypeFilter, type Filter, START, streamNameFilter } from "@eventstore/db-client";
import {
  type ContractStore,
  connect,
  event,
  follow,
  openContractStore,
  unique,
  upTo,
} from "./contract-store.ts";

let store: ContractStore;
beforeAll(async () => {
  store = await openContractStore();
});
afterAll(() => store.close());

const append = (stream: string, ...numbers: number[]) =>
  store.client.appendToStream(
    stream,
    numbers.map((n) => event(n)),
  );

test("every event comes once and in order while many are appended", async () => {
  const stream = unique("many");
  await append(stream, ...upTo(1_000));
  const following = follow(store.client.subscribeToStream(stream, { fromRevision: START }));
  for (let n = 1_000; n < 3_000; n += 50) await append(stream, ...upTo(50).map((i) => n + i));
  await following.until(() => following.told.seen.length >= 3_000 && following.told.caughtUp > 0);
  await following.stop();
  expect(following.numbers()).toEqual(upTo(3_000));
});

test("a reader that stops for a while loses nothing and gets nothing twice", async () => {
  const stream = unique("slow");
  // Settings of its own give it a connection of its own: a paused reader uses up the window of the one it is on, and
  // the appends that share it wait.
  const reader = connect(`${store.url}${store.url.includes("?") ? "&" : "?"}keepAliveInterval=20000`);
  const subscription = reader.subscribeToStream(stream, { fromRevision: START });
  const following = follow(subscription);
  await append(stream, 0);
  await following.until(() => following.told.seen.length === 1);
  subscription.pause();
  for (let n = 1; n < 2_001; n += 200) await append(stream, ...upTo(200).map((i) => n + i));
  expect(following.told.seen.length).toBeLessThan(2_001);
  subscription.resume();
  await following.until(() => following.told.seen.length >= 2_001);
  await following.stop();
  await reader.dispose();
  expect(following.numbers()).toEqual(upTo(2_001));
});

test("a stream is followed from a revision exclusively, from its end, and before it exists", async () => {
  const stream = unique("from");
  const early = follow(store.client.subscribeToStream(stream, { fromRevision: START }));
  await early.until(() => early.told.caughtUp > 0);
  await append(stream, 0, 1, 2);
  const after = follow(store.client.subscribeToStream(stream, { fromRevision: 1n }));
  const live = follow(store.client.subscribeToStream(stream, { fromRevision: END }));
  await live.until(() => live.told.caughtUp > 0);
  await append(stream, 3);
  await early.until(() => early.told.seen.length >= 4);
  await after.until(() => after.told.seen.length >= 2);
  await live.until(() => live.told.seen.length >= 1);
  await Promise.all([early.stop(), after.stop(), live.stop()]);
  expect([early.numbers(), after.numbers(), live.numbers()]).toEqual([[0, 1, 2, 3], [2, 3], [3]]);
});

test("a deleted stream is followed without harm: it catches up, and goes on when the stream does", async () => {
  const stream = unique("deleted");
  await append(stream, 0, 1);
  await store.client.deleteStream(stream);
  const following = follow(store.client.subscribeToStream(stream, { fromRevision: START }));
  await following.until(() => following.told.caughtUp > 0);
  await append(stream, 2);
  await following.until(() => following.told.seen.length >= 1);
  await following.stop();
  expect(following.numbers()).toEqual([2]);
});

test("a tombstone ends the subscription with its own error", async () => {
  const stream = unique("tombstoned");
  await append(stream, 0);
  const following = follow(store.client.subscribeToStream(stream, { fromRevision: START }));
  await following.until(() => following.told.seen.length === 1);
  await store.client.tombstoneStream(stream);
  await following.until(() => following.told.failure !== undefined);
  expect(following.told.failure).toBe("stream-deleted");
});

test("the whole log is filtered by stream prefixes, and by event type as prefix and regex", async () => {
  const wanted = unique("wanted");
  const also = unique("also");
  const type = unique("Type");
  const { position } = await append(unique("before"), 99);
  if (position === undefined) throw new Error("No position was told.");
  await append(`${wanted}.a`, 0);
  await append(unique("other"), 98);
  await store.client.appendToStream(`${also}.b`, [
    event(1, { type: `${type}A` }),
    event(2, { type: `${type}B` }),
  ]);
  const subscribe = (filter: Filter) =>
    follow(store.client.subscribeToAll({ fromPosition: position, filter }));
  const byStream = subscribe(streamNameFilter({ prefixes: [wanted, also] }));
  const byType = subscribe(eventTypeFilter({ prefixes: [type] }));
  const byRegex = subscribe(eventTypeFilter({ regex: `^${type.replaceAll(".", "\\.")}B$` }));
  for (const following of [byStream, byType, byRegex])
    await following.until(() => following.told.caughtUp > 0);
  await append(`${wanted}.c`, 3);
  await store.client.appendToStream(unique("late"), event(4, { type: `${type}B` }));
  await byStream.until(() => byStream.told.seen.length >= 3 + 1);
  await byType.until(() => byType.told.seen.length >= 3);
  await byRegex.until(() => byRegex.told.seen.length >= 2);
  await Promise.all([byStream.stop(), byType.stop(), byRegex.stop()]);
  expect([byStream.numbers(), byType.numbers(), byRegex.numbers()]).toEqual([
    [0, 1, 2, 3],
    [1, 2, 4],
    [2, 4],
  ]);
});

test("the whole log is followed exclusively of the position given", async () => {
  const stream = unique("exclusive");
  const { position } = await append(stream, 0);
  if (position === undefined) throw new Error("No position was told.");
  await append(stream, 1);
  const filter = streamNameFilter({ prefixes: [stream] });
  const following = follow(store.client.subscribeToAll({ fromPosition: position, filter }));
  await following.until(() => following.told.seen.length >= 1 && following.told.caughtUp > 0);
  await following.stop();
  expect(following.numbers()).toEqual([1]);
});

test("checkpoints rise while nothing matches", async () => {
  const checkpoints: bigint[] = [];
  const filter = streamNameFilter({
    prefixes: [unique("never")],
    checkpointInterval: 1,
    checkpointReached: async (_subscription, position) => {
      checkpoints.push(position.commit);
    },
  });
  const following = follow(store.client.subscribeToAll({ fromPosition: END, filter }));
  await following.until(() => following.told.caughtUp > 0);
  const { position } = await append(unique("noise"), ...upTo(200));
  await following.until(() => checkpoints.length >= 4);
  await following.stop();
  expect(following.numbers()).toEqual([]);
  expect(checkpoints).toEqual([...new Set(checkpoints)].sort((a, b) => (a < b ? -1 : 1)));
  expect(position !== undefined && checkpoints.every((checkpoint) => checkpoint <= position.commit)).toBe(
    true,
  );
});

test("a regex that cannot be read is refused, and the store serves on", async () => {
  const filter = eventTypeFilter({ regex: "((" });
  const following = follow(store.client.subscribeToAll({ fromPosition: START, filter }));
  await following.until(() => following.told.failure !== undefined);
  const stream = unique("after-refusal");
  await append(stream, 1);
  expect(following.told.seen).toEqual([]);
});

test.if(!process.env.EVENTSTORE_URL)("a regex that could hold the store up is refused", async () => {
  for (const regex of ["^(a+)+$", "(a|a)*$", ".*.*.*.*.*x"]) {
    const following = follow(
      store.client.subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ regex }) }),
    );
    await following.until(() => following.told.failure !== undefined);
    expect(following.told.seen).toEqual([]);
  }
});

test("120 subscriptions opened and left again cost the client nothing", async () => {
  const stream = unique("leak");
  await append(stream, ...upTo(100));
  const reader = connect(store.url);
  for (let n = 0; n < 120; n++) {
    const following = follow(reader.subscribeToStream(stream, { fromRevision: START }));
    await following.until(() => following.told.seen.length > 0);
    await following.stop();
  }
  const last = follow(reader.subscribeToStream(stream, { fromRevision: START }));
  await last.until(() => last.told.seen.length === 100);
  await last.stop();
  await reader.dispose();
  expect(last.numbers()).toEqual(upTo(100));
});
