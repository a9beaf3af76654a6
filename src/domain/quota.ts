// How many webhooks a key may send: what a quota is, and the bucket of tokens that holds a key to it. Pure: the time
// comes in, in milliseconds of any clock that never goes back.

export interface Quota {
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

/** What a key has left. Mutated by `takeToken` alone. */
export interface Bucket {
  tokens: number;
  readAtMs: number;
}

export interface Allowance {
  readonly quota: Quota;
  readonly allowed: boolean;
  /** Whole webhooks that may come at this moment. */
  readonly remaining: number;
  /** Until one may come again; 0 where one may come now. */
  readonly waitSeconds: number;
  /** Until the whole burst may come. */
  readonly fullSeconds: number;
}

export const fullBucket = (quota: Quota, nowMs: number): Bucket => ({ tokens: quota.burst, readAtMs: nowMs });

/** Takes one token, if there is one. A quota that was changed meanwhile counts from now on. */
export function takeToken(bucket: Bucket, quota: Quota, nowMs: number): Allowance {
  fill(bucket, quota, nowMs);
  const allowed = bucket.tokens >= 1;
  if (allowed) bucket.tokens -= 1;
  const perMs = tokensPerMs(quota);
  return {
    quota,
    allowed,
    remaining: Math.floor(bucket.tokens),
    waitSeconds: bucket.tokens >= 1 ? 0 : secondsFor(1 - bucket.tokens, perMs),
    fullSeconds: secondsFor(quota.burst - bucket.tokens, perMs),
  };
}

/** Whether it says no more than that nobody has taken anything. */
export function isFull(bucket: Bucket, quota: Quota, nowMs: number): boolean {
  fill(bucket, quota, nowMs);
  return bucket.tokens >= quota.burst;
}

/** In how many seconds, rounded up, an empty bucket is full. */
export const windowSeconds = (quota: Quota): number => secondsFor(quota.burst, tokensPerMs(quota));

function fill(bucket: Bucket, quota: Quota, nowMs: number): void {
  const elapsedMs = Math.max(0, nowMs - bucket.readAtMs);
  bucket.tokens = Math.min(quota.burst, bucket.tokens + elapsedMs * tokensPerMs(quota));
  bucket.readAtMs = nowMs;
}

const tokensPerMs = ({ webhooks, per }: Quota): number => webhooks / (per === "second" ? 1_000 : 60_000);
/** What the arithmetic leaves over is no second more. */
const secondsFor = (tokens: number, perMs: number): number =>
  Math.max(0, Math.ceil(tokens / perMs / 1_000 - 1e-9));
