// Which streams have records on the spool: never too few, whatever has been forgotten.

import { expect, test } from "bun:test";
import { createHeldStreams } from "../../src/spool/held-streams.ts";
import { opened, recordOf, scratchDirectory } from "./scratch.ts";

test("a stream is held from its first record on until its last one has drained", () => {
  const held = createHeldStreams({ from: 0n, to: 0n });
  expect(held.holds("a")).toBe(false);
  held.added("a", 1n);
  held.added("b", 2n);
  held.added("a", 3n);
  held.drained(2n);
  expect([held.holds("a"), held.holds("b")]).toEqual([true, false]);
  held.drained(3n);
  expect(held.holds("a")).toBe(false);
});

test("what was there before, or before too many others, may be of any stream until it has drained", () => {
  const held = createHeldStreams({ from: 5n, to: 9n }, 2);
  expect(held.holds("any")).toBe(true);
  held.drained(9n);
  expect(held.holds("any")).toBe(false);
  for (const [index, stream] of ["a", "b", "c"].entries()) held.added(stream, BigInt(10 + index));
  expect(held.holds("any")).toBe(true);
  held.drained(10n);
  expect([held.holds("any"), held.holds("a"), held.holds("b")]).toEqual([false, false, true]);
});

test("a spool tells of the streams that wait, after a restart of all until it has drained", async () => {
  const scratch = scratchDirectory();
  const spool = await opened(scratch.path);
  await spool.add(recordOf("e1", { stream: "s" }));
  await spool.add(recordOf("e2", { stream: "t" }));
  expect([spool.holds("s"), spool.holds("t"), spool.holds("u")]).toEqual([true, true, false]);
  await spool.acknowledge(1n);
  expect([spool.holds("s"), spool.holds("t")]).toEqual([false, true]);
  await spool.close();
  const again = await opened(scratch.path);
  expect(again.holds("u")).toBe(true);
  await again.acknowledge(2n);
  expect([again.holds("t"), again.holds("u")]).toEqual([false, false]);
  await again.close();
  scratch.remove();
});
