// A seeded source of chance: the same seed makes the same choices.

export interface Random {
  /** The seed that replays it. */
  readonly seed: number;
  /** From 0 to below 1. */
  readonly next: () => number;
  /** A whole number from 0 to below `n`. */
  readonly below: (n: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(list: readonly T[]) => T;
  /** A source of its own, so that concurrent users do not take each other's numbers. */
  readonly fork: (name: string) => Random;
}

/** mulberry32: 32 bits of state, enough to choose faults with. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    seed,
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (list) => {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new Error("Cannot pick from an empty list");
      return picked;
    },
    fork: (name) => {
      let hash = seed ^ 0x811c9dc5;
      for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
      return randomFrom(hash);
    },
  };
}
