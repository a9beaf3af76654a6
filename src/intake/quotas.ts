// Holds every key to its quota of signals and to its budget of stored bytes. In this process's memory alone: each process
// counts what it takes itself.

import {
  type Allowance,
  type Bucket,
  dailyRate,
  fullBucket,
  isFull,
  type Quota,
  type Rate,
  rateOf,
  takeTokens,
} from "../domain/quota.ts";
import type { ApiKey } from "../domain/registry.ts";

/** What a webhook takes of what its key may send. */
export interface Cost {
  readonly signals: number;
  /** As stored, about. */
  readonly bytes: number;
}

/** Why a webhook is refused whole. */
export type Excess =
  | {
      readonly tag: "signals";
      readonly quota: Quota;
      readonly signals: number;
      readonly waitSeconds: number;
    }
  | { readonly tag: "bytes"; readonly bytesPerDay: number; readonly waitSeconds: number };

/** What one webhook is charged. */
export interface Charge {
  /** To be called once its content has been read; undefined where it fits. What exceeds is not charged for. */
  readonly raise: (cost: Cost) => Excess | undefined;
  /** What the key has left of its quota; undefined where it has none. */
  readonly allowance: () => (Allowance & { readonly quota: Quota }) | undefined;
}

export interface Quotas {
  /** Charges one webhook for one signal, before anything of it is read. */
  readonly open: (
    key: ApiKey,
  ) =>
    | { readonly ok: true; readonly charge: Charge }
    | { readonly ok: false; readonly excess: Excess; readonly charge: Charge };
  readonly size: () => number;
}

/** For the admin key, which is held to nothing. */
export const uncharged: Charge = { raise: () => undefined, allowance: () => undefined };

/** What an event takes up beside the payload that it keeps, about. */
const eventBytes = 500;

/** The cost of payloads that are stored as an event each. */
export function costOf(payloads: readonly string[]): Cost {
  let bytes = 0;
  for (const payload of payloads) bytes += payload.length + eventBytes;
  return { signals: Math.max(1, payloads.length), bytes };
}

/** Keys that are counted at one moment. */
const mostCounted = 10_000;

interface Counted {
  readonly key: ApiKey;
  /** Undefined where the key has no quota. */
  readonly signals: Bucket | undefined;
  /** Undefined where there is no budget. */
  readonly bytes: Bucket | undefined;
}

/** `nowMs` never goes back. `bytesPerDay` is every key's budget; 0: none. */
export function createQuotas(options: {
  readonly nowMs: () => number;
  readonly bytesPerDay: number;
  readonly mostCounted?: number;
}): Quotas {
  const { nowMs } = options;
  const budget = options.bytesPerDay === 0 ? undefined : dailyRate(options.bytesPerDay);
  const most = options.mostCounted ?? mostCounted;
  // In the order of use: the first has gone unused longest.
  const counted = new Map<string, Counted>();

  const makeRoom = (now: number): void => {
    const isSpent = (bucket: Bucket | undefined, rate: Rate | undefined): boolean =>
      bucket !== undefined && rate !== undefined && !isFull(bucket, rate, now);
    for (const [id, { key, signals, bytes }] of counted) {
      const rate = key.quota === undefined ? undefined : rateOf(key.quota);
      if (!isSpent(signals, rate) && !isSpent(bytes, budget)) counted.delete(id);
    }
    const [oldest] = counted.keys();
    if (counted.size >= most && oldest !== undefined) counted.delete(oldest);
  };
  const counting = (key: ApiKey, now: number): Counted => {
    const known = counted.get(key.key_id);
    if (known === undefined && counted.size >= most) makeRoom(now);
    const next: Counted = {
      key,
      signals: key.quota === undefined ? undefined : (known?.signals ?? fullBucket(key.quota, now)),
      bytes: budget === undefined ? undefined : (known?.bytes ?? fullBucket(budget, now)),
    };
    counted.delete(key.key_id);
    counted.set(key.key_id, next);
    return next;
  };
  return {
    open: (key) => {
      if (key.quota === undefined && budget === undefined) return { ok: true, charge: uncharged };
      const charge = chargeOf(counting(key, nowMs()), budget, nowMs);
      const excess = charge.raise({ signals: 1, bytes: 1 });
      return excess === undefined ? { ok: true, charge } : { ok: false, excess, charge };
    },
    size: () => counted.size,
  };
}

function chargeOf(
  { key: { quota }, signals, bytes }: Counted,
  budget: Rate | undefined,
  nowMs: () => number,
): Charge {
  let charged = 0;
  let left: Allowance | undefined;
  return {
    raise: (cost) => {
      const now = nowMs();
      if (bytes !== undefined && budget !== undefined) {
        const { allowed, waitSeconds } = takeTokens(bytes, budget, { count: cost.bytes, nowMs: now });
        if (!allowed) return { tag: "bytes", bytesPerDay: budget.burst, waitSeconds };
      }
      if (quota === undefined || signals === undefined) return undefined;
      left = takeTokens(signals, rateOf(quota), { count: cost.signals - charged, nowMs: now });
      if (left.allowed) {
        charged = cost.signals;
        return undefined;
      }
      if (bytes !== undefined) bytes.tokens += cost.bytes;
      return { tag: "signals", quota, signals: cost.signals, waitSeconds: left.waitSeconds };
    },
    allowance: () => (quota === undefined || left === undefined ? undefined : { ...left, quota }),
  };
}
