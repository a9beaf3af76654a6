// How many appends may be in the event store at once. Fewer while its answers are slow: what waits there too long is
// spooled and sent again, so that a store with more to do than it can would do all of it twice. Knows no store.

import { createFairShare } from "../domain/fair-share.ts";

export interface StoreRoom {
  /** Whether there is a place for an append of this key: shared fairly among the keys. */
  readonly enter: (key: string) => boolean;
  /** `answered`: whether the store itself said something, be it late. */
  readonly leave: (key: string, append: { readonly tookMs: number; readonly answered: boolean }) => void;
  readonly size: () => number;
}

/** A store that is slow for another reason than too much to do must still get something. */
const least = 64;
/** Each quick answer makes so much room; each slow one, at most once in `slowMs`, takes so much away. */
const [growth, shrinkage] = [0.25, 0.3];

export function createStoreRoom(options: {
  readonly most: number;
  /** An answer that takes longer is slow. */
  readonly slowMs: number;
  readonly nowMs: () => number;
}): StoreRoom {
  const { most, slowMs, nowMs } = options;
  const share = createFairShare(most);
  let size = most;
  let shrunkAt = Number.NEGATIVE_INFINITY;

  const resize = (wanted: number): void => {
    const before = Math.floor(size);
    size = Math.min(most, Math.max(Math.min(least, most), wanted));
    share.grow(Math.floor(size) - before);
  };

  return {
    enter: (key) => share.take(key, 1),
    leave: (key, { tookMs, answered }) => {
      share.give(key, 1);
      if (tookMs > slowMs) {
        const now = nowMs();
        if (now - shrunkAt < slowMs) return;
        shrunkAt = now;
        resize(size * (1 - shrinkage));
      } else if (answered && size < most) resize(size + growth);
    },
    size: () => Math.floor(size),
  };
}
