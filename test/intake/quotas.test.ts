// Keys held to their quotas: each for itself, and never more of them in memory than the bound.

import { describe, expect, test } from "bun:test";
import type { Quota } from "../../src/domain/quota.ts";
import type { ApiKey } from "../../src/domain/registry.ts";
import { costOf, createQuotas, type Quotas } from "../../src/intake/quotas.ts";

const key = (key_id: string, quota?: Quota): ApiKey =>
  ({ key_id, ...(quota === undefined ? {} : { quota }) }) as unknown as ApiKey;
const onePerSecond: Quota = { webhooks: 1, per: "second", burst: 1 };

/** Whether the key may send a body of so many signals and bytes. */
const sends = (quotas: Quotas, from: ApiKey, signals = 1, bytes = 0): boolean => {
  const opened = quotas.open(from);
  return opened.ok && opened.charge.raise({ signals, bytes }) === undefined;
};

test("a key without a quota is not counted where there is no budget, and each other for itself", () => {
  const quotas = createQuotas({ nowMs: () => 0, bytesPerDay: 0 });
  expect(sends(quotas, key("free"), 1_000, 1e12)).toBe(true);
  expect(quotas.open(key("free")).charge.allowance()).toBeUndefined();
  expect(quotas.size()).toBe(0);
  expect(sends(quotas, key("a", onePerSecond))).toBe(true);
  expect(sends(quotas, key("b", onePerSecond))).toBe(true);
  expect(sends(quotas, key("a", onePerSecond))).toBe(false);
});

test("a quota that is changed counts from then on", () => {
  let now = 0;
  const quotas = createQuotas({ nowMs: () => now, bytesPerDay: 0 });
  sends(quotas, key("a", onePerSecond));
  expect(sends(quotas, key("a", { ...onePerSecond, webhooks: 1_000 }))).toBe(false);
  now = 1;
  expect(sends(quotas, key("a", { ...onePerSecond, webhooks: 1_000 }))).toBe(true);
});

describe("a body", () => {
  const five: Quota = { webhooks: 60, per: "minute", burst: 5 };

  test("counts by its signals, once it is known how many, and fits whole or not at all", () => {
    const quotas = createQuotas({ nowMs: () => 0, bytesPerDay: 0 });
    const first = quotas.open(key("a", five)).charge;
    expect(first.raise({ signals: 3, bytes: 0 })).toBeUndefined();
    expect(first.allowance()).toMatchObject({ remaining: 2, quota: five });
    const second = quotas.open(key("a", five)).charge;
    expect(second.raise({ signals: 3, bytes: 0 })).toEqual({
      tag: "signals",
      quota: five,
      signals: 3,
      waitSeconds: 1,
    });
    // That it was read is one webhook all the same.
    expect(second.allowance()?.remaining).toBe(1);
    expect(sends(quotas, key("a", five))).toBe(true);
    expect(sends(quotas, key("a", five))).toBe(false);
  });

  test("of which the quota refuses the signals takes no bytes of the budget either", () => {
    const quotas = createQuotas({ nowMs: () => 0, bytesPerDay: 1_000 });
    expect(sends(quotas, key("a", five), 6, 900)).toBe(false);
    expect(sends(quotas, key("a", five), 1, 900)).toBe(true);
  });
});

describe("a budget", () => {
  test("is each key's own, is refused above, and fills again over a day", () => {
    let now = 0;
    const quotas = createQuotas({ nowMs: () => now, bytesPerDay: 86_400 });
    expect(sends(quotas, key("a"), 1, 80_000)).toBe(true);
    const { charge } = quotas.open(key("a"));
    expect(charge.raise({ signals: 1, bytes: 10_000 })).toEqual({
      tag: "bytes",
      bytesPerDay: 86_400,
      waitSeconds: 3_602,
    });
    expect(sends(quotas, key("b"), 1, 80_000)).toBe(true);
    now = 3_602_000;
    expect(sends(quotas, key("a"), 1, 9_900)).toBe(true);
  });

  test("that is used up is told before anything of a body is read", () => {
    const quotas = createQuotas({ nowMs: () => 0, bytesPerDay: 1_000 });
    expect(sends(quotas, key("a"), 1, 999)).toBe(true);
    expect(quotas.open(key("a"))).toMatchObject({ ok: false, excess: { tag: "bytes" } });
  });

  test("costs a payload's length and what is kept beside it, for each event", () => {
    expect(costOf(["12345", "1"])).toEqual({ signals: 2, bytes: 1_006 });
    expect(costOf([]).signals).toBe(1);
  });
});

test("what is in memory is bounded: those that have all their tokens go first, then the longest unused", () => {
  let now = 0;
  const quotas = createQuotas({ nowMs: () => now, bytesPerDay: 0, mostCounted: 3 });
  for (const id of ["a", "b", "c"]) sends(quotas, key(id, onePerSecond));
  sends(quotas, key("d", onePerSecond));
  expect(quotas.size()).toBe(3);
  expect(sends(quotas, key("c", onePerSecond))).toBe(false);
  now = 1_000;
  sends(quotas, key("e", onePerSecond));
  expect(quotas.size()).toBe(1);
  for (let more = 0; more < 1_000; more++) sends(quotas, key(`many-${more}`, onePerSecond));
  expect(quotas.size()).toBe(3);
});
