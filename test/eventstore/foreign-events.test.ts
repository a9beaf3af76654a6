// How far a log goes on without events of ours: never beyond one of ours, whatever lies between.

import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import type { EventStoreDBClient } from "@eventstore/db-client";
import { foreignUpTo } from "../../src/eventstore/read.ts";

const prefixes = ["incident-", "registry"];

/** A log of streams' names, one event at each position from 1 on, read from a position on as the client reads it. */
function logOf(...names: readonly string[]) {
  let cancelled = 0;
  const readAll = (asked: { fromPosition: { commit: bigint } | "start"; maxCount: number }) => {
    const from = asked.fromPosition === "start" ? 1n : asked.fromPosition.commit;
    const events = names.map((streamId, n) => ({ event: { streamId, position: { commit: BigInt(n + 1) } } }));
    const shown = events.filter(({ event }) => event.position.commit >= from).slice(0, asked.maxCount);
    return Object.assign(Readable.from(shown), {
      cancel: async () => {
        cancelled += 1;
      },
    });
  };
  return { client: { readAll } as unknown as EventStoreDBClient, cancelled: () => cancelled };
}

const upTo = (names: readonly string[], after: bigint, count = 10) =>
  foreignUpTo(logOf(...names).client, after, { prefixes, count, timeoutMs: 1_000 });

test("the position before the next event of ours, or the last one", async () => {
  expect(await upTo(["incident-a", "other", "$stats", "incident-b", "other"], 1n)).toBe(3n);
  expect(await upTo(["incident-a", "other", "$stats"], 1n)).toBe(3n);
  expect(await upTo(["other", "registry"], 0n)).toBe(1n);
});

test("the position itself where one of ours follows at once, or nothing", async () => {
  expect(await upTo(["other", "incident-a", "other"], 1n)).toBe(1n);
  expect(await upTo(["incident-a"], 1n)).toBe(1n);
  expect(await upTo([], 0n)).toBe(0n);
});

test("looks at so many events and no more, and ends every read", async () => {
  const log = logOf(...Array<string>(50).fill("other"));
  expect(await foreignUpTo(log.client, 1n, { prefixes, count: 10, timeoutMs: 1_000 })).toBe(10n);
  expect(log.cancelled()).toBe(1);
});
