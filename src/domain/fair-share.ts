// Shares a bounded number of places among those who ask for them, so that none of them can take what the others need.
// Knows nothing of what a place is.

export interface FairShare {
  /** Takes so many places for the holder, or none. */
  readonly take: (holder: string, places: number) => boolean;
  /** Gives back what was taken. */
  readonly give: (holder: string, places: number) => void;
  readonly taken: () => number;
}

/**
 * A holder never has more places than are left for all others: one alone gets half of them, two a third each, and who
 * has none yet finds some free (dynamic thresholds, Choudhury and Hahne 1998). Costs two look-ups, whatever the load.
 */
export function createFairShare(capacity: number): FairShare {
  const held = new Map<string, number>();
  let free = capacity;
  return {
    take: (holder, places) => {
      const holds = (held.get(holder) ?? 0) + places;
      if (holds > free - places) return false;
      held.set(holder, holds);
      free -= places;
      return true;
    },
    give: (holder, places) => {
      const holds = (held.get(holder) ?? 0) - places;
      if (holds > 0) held.set(holder, holds);
      else held.delete(holder);
      free += places;
    },
    taken: () => capacity - free,
  };
}
