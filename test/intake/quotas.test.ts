// Keys held to their quotas: each for itself, and never more of them in memory than the bound.

import { expect, test } from "bun:test";
import type { Quota } from "../../src/domain/quota.ts";
import type { ApiKey } from "../../src/domain/registry.ts";
import { createQuotas } from "../../src/intake/quotas.ts";

const key = (key_id: string, quota?: Quota): ApiKey =>
  ({ key_id, ...(quota === undefined ? {} : { quota }) }) as unknown as ApiKey;
const onePerSecond: Quota = { webhooks: 1, per: "second", burst: 1 };

test("a key without a quota is not counted, and each other for itself", () => {
  const quotas = createQuotas({ nowMs: () => 0 });
  expect(quotas.take(key("free"))).toBeUndefined();
  expect(quotas.size()).toBe(0);
  expect(quotas.take(key("a", onePerSecond))?.allowed).toBe(true);
  expect(quotas.take(key("b", onePerSecond))?.allowed).toBe(true);
  expect(quotas.take(key("a", onePerSecond))?.allowed).toBe(false);
});

test("a quota that is changed counts from then on", () => {
  let now = 0;
  const quotas = createQuotas({ nowMs: () => now });
  quotas.take(key("a", onePerSecond));
  expect(quotas.take(key("a", { ...onePerSecond, webhooks: 1_000 }))?.allowed).toBe(false);
  now = 1;
  expect(quotas.take(key("a", { ...onePerSecond, webhooks: 1_000 }))?.allowed).toBe(true);
});

test("what is in memory is bounded: those that have all their tokens go first, then the longest unused", () => {
  let now = 0;
  const quotas = createQuotas({ nowMs: () => now, mostCounted: 3 });
  for (const id of ["a", "b", "c"]) quotas.take(key(id, onePerSecond));
  quotas.take(key("d", onePerSecond));
  expect(quotas.size()).toBe(3);
  expect(quotas.take(key("c", onePerSecond))?.allowed).toBe(false);
  now = 1_000;
  quotas.take(key("e", onePerSecond));
  expect(quotas.size()).toBe(1);
  for (let more = 0; more < 1_000; more++) quotas.take(key(`many-${more}`, onePerSecond));
  expect(quotas.size()).toBe(3);
});
