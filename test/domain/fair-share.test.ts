// Places shared fairly: who takes all there is leaves enough for the others, and nobody ever gets more than there is.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFairShare } from "../../src/domain/fair-share.ts";

/** Takes one place after the other until refused. */
function takeAll(share: ReturnType<typeof createFairShare>, holder: string): number {
  let taken = 0;
  while (share.take(holder, 1)) taken += 1;
  return taken;
}

describe("one who takes all that it can get", () => {
  test("gets half, and the next ones a share each, down to the last", () => {
    const share = createFairShare(1_024);
    expect(takeAll(share, "flood")).toBe(512);
    expect(takeAll(share, "second")).toBe(256);
    expect(takeAll(share, "third")).toBe(128);
    expect(share.taken()).toBe(896);
    expect(share.take("quiet", 1)).toBe(true);
  });

  test("gives way to others as its places come back", () => {
    const share = createFairShare(900);
    takeAll(share, "one");
    takeAll(share, "other");
    const holds = { one: 450, other: 225 };
    for (let round = 0; round < 450; round++) {
      share.give("one", 1);
      holds.one -= 1;
      if (share.take("other", 1)) holds.other += 1;
      if (share.take("one", 1)) holds.one += 1;
    }
    expect(holds).toEqual({ one: 300, other: 300 });
  });
});

test("several places are taken together or not at all", () => {
  const share = createFairShare(10);
  expect(share.take("group", 6)).toBe(false);
  expect(share.taken()).toBe(0);
  expect(share.take("group", 5)).toBe(true);
  share.give("group", 5);
  expect(share.taken()).toBe(0);
});

test("in any order of taking and giving, no more is taken than there is, and all of it comes back", () => {
  const steps = fc.array(
    fc.record({ holder: fc.constantFrom("a", "b", "c", "d"), places: fc.integer({ min: 1, max: 9 }) }),
    { maxLength: 500 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 60 }), (asked, capacity) => {
      const share = createFairShare(capacity);
      const taken: { holder: string; places: number }[] = [];
      for (const [at, { holder, places }] of asked.entries()) {
        if (at % 3 === 2) {
          const back = taken.shift();
          if (back !== undefined) share.give(back.holder, back.places);
        } else if (share.take(holder, places)) taken.push({ holder, places });
        expect(share.taken()).toBe(taken.reduce((sum, one) => sum + one.places, 0));
        expect(share.taken()).toBeLessThanOrEqual(capacity);
      }
      for (const { holder, places } of taken) share.give(holder, places);
      expect(share.taken()).toBe(0);
    }),
  );
});
