// Store first, while one key floods: what it has too much of is spooled, and nobody else's events wait behind it.

import { expect, test } from "bun:test";
import type { AppendEvents } from "../../src/intake/event-log.ts";
import { spoolFirst, storeFirst } from "../../src/spool/durability.ts";
import type { Spool } from "../../src/spool/spool.ts";
import { eventOf } from "./scratch.ts";

const spoolWith = (add: Spool["add"], held: readonly string[] = []): Spool =>
  ({
    add,
    holds: (stream: string) => held.includes(stream),
    position: () => undefined,
    notePosition: () => undefined,
  }) as unknown as Spool;

test("what follows a stream's records on the spool goes there too, or to the store where the spool is full", async () => {
  const inStore: string[] = [];
  const append: AppendEvents = async (stream) => {
    inStore.push(stream);
    return { tag: "appended", revision: 0n };
  };
  let outcome: "spooled" | "full" = "spooled";
  const spool = spoolWith(async () => outcome, ["waits"]);
  const keep = storeFirst({ append, spool, boundMs: 60_000, maxInFlight: 9 });
  expect((await keep("waits", [eventOf("a")])).tag).toBe("spooled");
  expect((await keep("other", [eventOf("b")])).tag).toBe("appended");
  outcome = "full";
  expect((await keep("waits", [eventOf("c")])).tag).toBe("appended");
  expect(inStore).toEqual(["other", "waits"]);
});

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
  const keep = storeFirst({ append, spool: spoolWith(add), boundMs: 60_000, maxInFlight: 20 });
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
  const spool = spoolWith(async () => "spooled");
  const keep = storeFirst({ append, spool, boundMs: 5, maxInFlight: 2 });
  expect(await keep("s", [eventOf("a")])).toEqual({ tag: "spooled" });
  await keep("s", [eventOf("b")]);
  expect(ends).toHaveLength(1);
  for (const end of ends) end();
  await new Promise((resolve) => setImmediate(resolve));
  await keep("s", [eventOf("c")]);
  expect(ends).toHaveLength(2);
});

test("what the event store would refuse for its size is not acknowledged from the spool either", async () => {
  let spooled = 0;
  const add: Spool["add"] = async () => {
    spooled += 1;
    return "spooled";
  };
  const spool = spoolWith(add);
  const away: AppendEvents = async () => ({ tag: "unavailable", reason: "away" });
  const ways = [
    spoolFirst({ spool }),
    storeFirst({ append: away, spool, boundMs: 60_000, maxInFlight: 9 }),
    storeFirst({ append: away, spool, boundMs: 60_000, maxInFlight: 0 }),
  ];
  // A control character takes six bytes in JSON, most others one.
  const fits = ["x".repeat(1_048_000), "\u0001".repeat(174_500)];
  const large = ["x".repeat(1_048_576), "\u0001".repeat(174_800)];
  for (const keep of ways) {
    const before = spooled;
    for (const payload of fits) expect(await keep("s", [eventOf("a", payload)])).toEqual({ tag: "spooled" });
    for (const payload of large)
      expect(await keep("s", [eventOf("b", payload)])).toEqual({ tag: "too_large" });
    expect(spooled - before).toBe(fits.length);
  }
});
