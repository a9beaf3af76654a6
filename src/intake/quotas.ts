// Holds every key that has a quota to it. In this process's memory alone: each process counts what it takes itself.

import { type Allowance, type Bucket, fullBucket, isFull, takeToken } from "../domain/quota.ts";
import type { ApiKey } from "../domain/registry.ts";

export interface Quotas {
  /** Counts one webhook of the key; undefined where the key has no quota, which is what most have. */
  readonly take: (key: ApiKey) => Allowance | undefined;
  readonly size: () => number;
}

/** Keys that are counted at one moment. */
const mostCounted = 10_000;

/** `nowMs` never goes back. */
export function createQuotas(options: {
  readonly nowMs: () => number;
  readonly mostCounted?: number;
}): Quotas {
  const { nowMs } = options;
  const most = options.mostCounted ?? mostCounted;
  // In the order of use: the first has gone unused longest.
  const counted = new Map<string, { readonly bucket: Bucket; readonly key: ApiKey }>();

  function makeRoom(now: number): void {
    for (const [id, { bucket, key }] of counted) {
      if (key.quota === undefined || isFull(bucket, key.quota, now)) counted.delete(id);
    }
    const [oldest] = counted.keys();
    if (counted.size >= most && oldest !== undefined) counted.delete(oldest);
  }

  return {
    take: (key) => {
      if (key.quota === undefined) return undefined;
      const now = nowMs();
      const known = counted.get(key.key_id);
      if (known === undefined && counted.size >= most) makeRoom(now);
      const bucket = known?.bucket ?? fullBucket(key.quota, now);
      counted.delete(key.key_id);
      counted.set(key.key_id, { bucket, key });
      return takeToken(bucket, key.quota, now);
    },
    size: () => counted.size,
  };
}
