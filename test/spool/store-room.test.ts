// Room in the event store: given how long its answers take, then so many appends may be there at once.

import { expect, test } from "bun:test";
import { createStoreRoom } from "../../src/spool/store-room.ts";

function world(most = 1_000) {
  let now = 0;
  const room = createStoreRoom({ most, slowMs: 250, nowMs: () => now });
  return {
    room,
    /** So many appends at once, each answered after so long. */
    appends: (count: number, tookMs: number, answered = true) => {
      const entered = Array.from({ length: count }, (_, at) => room.enter(`key-${at}`)).filter(Boolean);
      now += tookMs;
      for (const [at] of entered.entries()) room.leave(`key-${at}`, { tookMs, answered });
      return entered.length;
    },
  };
}

test("stays as large as it may be while answers are quick", () => {
  const { room, appends } = world();
  for (let more = 0; more < 100; more++) appends(500, 20);
  expect(room.size()).toBe(1_000);
});

test("is smaller with every round of slow answers, never closed, and grows back with quick ones", () => {
  const { room, appends } = world();
  appends(500, 400);
  expect(room.size()).toBe(700);
  appends(300, 400);
  expect(room.size()).toBe(489);
  for (let more = 0; more < 20; more++) appends(60, 1_000, false);
  expect(room.size()).toBe(64);
  expect(appends(1_000, 20)).toBeLessThanOrEqual(64);
  for (let more = 0; more < 200; more++) appends(60, 20);
  expect(room.size()).toBe(1_000);
});

test("a store that refuses at once makes it neither smaller nor larger", () => {
  const { room, appends } = world();
  appends(500, 400);
  for (let more = 0; more < 20; more++) appends(60, 1, false);
  expect(room.size()).toBe(700);
});

test("what is there when it becomes smaller keeps its place, and gives it back", () => {
  let now = 0;
  const room = createStoreRoom({ most: 100, slowMs: 250, nowMs: () => now });
  for (let at = 0; at < 50; at++) expect(room.enter("flood")).toBe(true);
  for (let round = 0; round < 5; round++) {
    now += 1_000;
    room.leave("flood", { tookMs: 1_000, answered: true });
    expect(room.enter("flood")).toBe(false);
  }
  expect(room.enter("other")).toBe(true);
});
