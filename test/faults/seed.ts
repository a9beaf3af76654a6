// A seeded source of chance for the fault tier. FAULT_SEED replays a run's choices; without it each run has its own.

import { randomBytes } from "node:crypto";

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

/** Prints the seed under the tier's name, so that a failing run can be replayed. */
export function startSeed(tier: string): Random {
  const given = process.env.FAULT_SEED;
  const seed =
    given === undefined || given === "" ? randomBytes(4).readUInt32LE() : Number.parseInt(given, 10) >>> 0;
  console.log(`${tier}: seed ${seed} (FAULT_SEED=${seed} replays its choices)`);
  return randomFrom(seed);
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
