// How much a key may send: what a quota is, and the bucket of tokens that holds a key to it. Pure: the time comes in, in
// milliseconds of any clock that never goes back.

export interface Quota {
  /** Signals; one that holds none counts as one. */
  readonly webhooks: number;
  readonly per: "second" | "minute";
  /** The most that may come at one moment, where none came for a while. */
  readonly burst: number;
}

/** The most that a quota can say, of either number: beyond it nothing is limited. */
export const largestQuota = 1_000_000;

/** A sentence's worth of what is wrong, where something is. `burst` is as many as `webhooks` where it is absent. */
export function readQuota(asked: {
  readonly webhooks: number;
  readonly per: string;
  readonly burst?: number;
}): { readonly ok: true; readonly value: Quota } | { readonly ok: false; readonly problem: string } {
  const { webhooks, per, burst = webhooks } = asked;
  for (const [name, value] of Object.entries({ webhooks, burst })) {
    if (!Number.isInteger(value) || value < 1 || value > largestQuota) {
      return { ok: false, problem: `quota.${name} must be a whole number from 1 to ${largestQuota}` };
    }
  }
  if (per !== "second" && per !== "minute") {
    return { ok: false, problem: 'quota.per must be "second" or "minute"' };
  }
  return { ok: true, value: { webhooks, per, burst } };
}

export const sameQuota = (one: Quota | undefined, other: Quota | undefined): boolean =>
  one?.webhooks === other?.webhooks && one?.per === other?.per && one?.burst === other?.burst;

/** A bucket of so many tokens, and how fast it fills. */
export interface Rate {
  readonly burst: number;
  readonly perMs: number;
}

export const rateOf = ({ webhooks, per, burst }: Quota): Rate => ({
  burst,
  perMs: webhooks / (per === "second" ? 1_000 : 60_000),
});

/** So much in a day, all of it at one moment where nothing came for a while. */
export const dailyRate = (amount: number): Rate => ({ burst: amount, perMs: amount / 86_400_000 });

/** What a key has left. Mutated by `takeTokens` and `isFull` alone. */
export interface Bucket {
  tokens: number;
  readAtMs: number;
}

export interface Allowance {
  readonly allowed: boolean;
  /** Whole tokens that may be taken at this moment. */
  readonly remaining: number;
  /**
   * Until as many may be taken as were asked for; 0 where they were taken and one more may be. What the bucket never
   * holds at one time waits until it is full.
   */
  readonly waitSeconds: number;
  /** Until the bucket is full. */
  readonly fullSeconds: number;
}

export const fullBucket = (rate: Pick<Rate, "burst">, nowMs: number): Bucket => ({
  tokens: rate.burst,
  readAtMs: nowMs,
});

/** Takes so many tokens, or none. A rate that was changed meanwhile counts from now on. */
export function takeTokens(bucket: Bucket, rate: Rate, asked: { count: number; nowMs: number }): Allowance {
  fill(bucket, rate, asked.nowMs);
  const allowed = bucket.tokens >= asked.count;
  if (allowed) bucket.tokens -= asked.count;
  const awaited = Math.min(rate.burst, allowed ? 1 : asked.count);
  return {
    allowed,
    remaining: Math.floor(bucket.tokens),
    waitSeconds: bucket.tokens >= awaited ? 0 : secondsFor(awaited - bucket.tokens, rate),
    fullSeconds: secondsFor(rate.burst - bucket.tokens, rate),
  };
}

/** Whether it says no more than that nobody has taken anything. */
export function isFull(bucket: Bucket, rate: Rate, nowMs: number): boolean {
  fill(bucket, rate, nowMs);
  return bucket.tokens >= rate.burst;
}

/** In how many seconds, rounded up, an empty bucket is full. */
export const windowSeconds = (quota: Quota): number => secondsFor(quota.burst, rateOf(quota));

function fill(bucket: Bucket, rate: Rate, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.readAtMs);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + elapsedMs * rate.perMs);
  bucket.readAtMs = nowMs;
}

/** What the arithmetic leaves over is no second more. */
const secondsFor = (tokens: number, rate: Rate): number =>
  Math.max(0, Math.ceil(tokens / rate.perMs / 1_000 - 1e-9));
