// Store first, while one key floods: what it has too much of is spooled, and nobody else's events wait behind it.

import { expect, test } from "bun:test";
import type { AppendEvents } from "../../src/intake/event-log.ts";
import { storeFirst } from "../../src/spool/durability.ts";
import type { Spool } from "../../src/spool/spool.ts";
import { eventOf } from "./scratch.ts";

test("the flood's share goes to the spool first, another key's event to the store", async () => {
  const inStore: string[] = [];
  const spooled: string[] = [];
  const append: AppendEvents = (stream) => {
    inStore.push(stream);
    return new Promise(() => undefined);
  };
  const add: Spool["add"] = async ({ stream }) => {
    spooled.push(stream);
    return "spooled";
  };
  const keep = storeFirst({ append, spool: { add } as unknown as Spool, boundMs: 60_000, maxInFlight: 20 });
  const from = (key_id: string) => [{ ...eventOf("a"), metadata: { key_id } }];
  for (let more = 0; more < 100; more++) void keep("flood", from("one"));
  void keep("quiet", from("other"));
  expect(inStore).toEqual([...Array<string>(10).fill("flood"), "quiet"]);
  expect(spooled).toEqual(Array<string>(90).fill("flood"));
});

test("a place counts until the append itself has ended, also when nobody waits for it any more", async () => {
  const ends: (() => void)[] = [];
  const append: AppendEvents = () =>
    new Promise((resolve) => ends.push(() => resolve({ tag: "unavailable", reason: "late" })));
  const spool = { add: async () => "spooled" } as unknown as Spool;
  const keep = storeFirst({ append, spool, boundMs: 5, maxInFlight: 2 });
  expect(await keep("s", [eventOf("a")])).toEqual({ tag: "spooled" });
  await keep("s", [eventOf("b")]);
  expect(ends).toHaveLength(1);
  for (const end of ends) end();
  await new Promise((resolve) => setImmediate(resolve));
  await keep("s", [eventOf("c")]);
  expect(ends).toHaveLength(2);
});
