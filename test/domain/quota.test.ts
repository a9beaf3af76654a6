// Quotas: given a quota, when webhooks come at these times, then so many may pass, and so long is the wait.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Bucket,
  fullBucket,
  isFull,
  type Quota,
  rateOf,
  readQuota,
  takeTokens,
  windowSeconds,
} from "../../src/domain/quota.ts";

const perMinute: Quota = { webhooks: 60, per: "minute", burst: 5 };

function taken(quota: Quota, timesMs: readonly number[]): readonly boolean[] {
  const bucket = fullBucket(quota, timesMs[0] ?? 0);
  return timesMs.map((at) => takeToken(bucket, quota, at).allowed);
}

const takeToken = (bucket: Bucket, quota: Quota, nowMs: number) =>
  takeTokens(bucket, rateOf(quota), { count: 1, nowMs });

describe("what is asked for", () => {
  test("is whole numbers from 1 on, by the second or the minute, with a burst as large as what may come", () => {
    expect(readQuota({ webhooks: 60, per: "minute" })).toEqual({
      ok: true,
      value: { webhooks: 60, per: "minute", burst: 60 },
    });
    expect(readQuota({ webhooks: 60, per: "minute", burst: 5 })).toEqual({ ok: true, value: perMinute });
    for (const wrong of [
      { webhooks: 0, per: "second" },
      { webhooks: 1.5, per: "second" },
      { webhooks: 1_000_001, per: "second" },
      { webhooks: 1, per: "second", burst: 0 },
      { webhooks: 1, per: "hour" },
    ]) {
      expect(readQuota(wrong).ok).toBe(false);
    }
  });
});

describe("a bucket", () => {
  test("lets the burst pass at once, and then one each time a token has come", () => {
    expect(taken(perMinute, [0, 0, 0, 0, 0, 0])).toEqual([true, true, true, true, true, false]);
    expect(taken(perMinute, [0, 0, 0, 0, 0, 999, 1_000, 1_001, 2_000])).toEqual([
      ...[true, true, true, true, true],
      ...[false, true, false, true],
    ]);
  });

  test("says what is left, how long to wait for one and how long for all", () => {
    const bucket = fullBucket(perMinute, 0);
    expect(takeToken(bucket, perMinute, 0)).toEqual({
      allowed: true,
      remaining: 4,
      waitSeconds: 0,
      fullSeconds: 1,
    });
    for (let more = 0; more < 4; more++) takeToken(bucket, perMinute, 0);
    expect(takeToken(bucket, perMinute, 500)).toMatchObject({
      allowed: false,
      remaining: 0,
      waitSeconds: 1,
      fullSeconds: 5,
    });
    expect(isFull(bucket, rateOf(perMinute), 4_999)).toBe(false);
    expect(isFull(bucket, rateOf(perMinute), 5_000)).toBe(true);
    expect(windowSeconds(perMinute)).toBe(5);
    expect(windowSeconds({ webhooks: 1, per: "minute", burst: 10 })).toBe(600);
  });

  test("gives many tokens at once or none of them, and says when there will be so many", () => {
    const bucket = fullBucket(perMinute, 0);
    const take = (count: number, nowMs: number) => takeTokens(bucket, rateOf(perMinute), { count, nowMs });
    expect(take(3, 0)).toMatchObject({ allowed: true, remaining: 2 });
    expect(take(4, 0)).toMatchObject({ allowed: false, remaining: 2, waitSeconds: 2 });
    expect(take(4, 2_000)).toMatchObject({ allowed: true, remaining: 0 });
    // More than there ever is: the wait is until there is all there can be.
    expect(take(6, 2_000)).toMatchObject({ allowed: false, waitSeconds: 5 });
    expect(take(6, 60_000)).toMatchObject({ allowed: false, remaining: 5, waitSeconds: 0 });
  });

  test("is never fuller than the burst, and a clock that goes back adds nothing", () => {
    const bucket = fullBucket(perMinute, 1_000);
    expect(takeToken(bucket, perMinute, 3_600_000).remaining).toBe(4);
    expect(takeToken(bucket, perMinute, 0).remaining).toBe(3);
  });

  test("in any span lets at most the burst pass and what comes in meanwhile, and nobody waits longer than told", () => {
    const quotas = fc.record({
      webhooks: fc.integer({ min: 1, max: 1_000 }),
      per: fc.constantFrom("second" as const, "minute" as const),
      burst: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(quotas, fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 400 }), (quota, gaps) => {
        const bucket = fullBucket(quota, 0);
        let now = 0;
        let passed = 0;
        for (const gap of gaps) {
          now += gap;
          const { allowed, waitSeconds } = takeToken(bucket, quota, now);
          if (allowed) passed += 1;
          else expect(takeToken({ ...bucket }, quota, now + waitSeconds * 1_000).allowed).toBe(true);
        }
        const perMs = quota.webhooks / (quota.per === "second" ? 1_000 : 60_000);
        expect(passed).toBeLessThanOrEqual(quota.burst + now * perMs + 1e-6);
      }),
    );
  });
});
