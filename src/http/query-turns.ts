// How many queries of one key are answered at once: each may hold a connection to Postgres and an answer in memory, and
// whoever asks much must leave others both. Knows no query.

import type { Caller } from "./access.ts";
import { problem } from "./answer.ts";

export interface QueryTurns {
  /** Runs the query in its key's turn, or answers 429. The admin key waits for nobody. */
  readonly take: (caller: Caller, run: () => Promise<Response>) => Promise<Response>;
}

export interface TurnBounds {
  /** Fewer than the connections that queries have, and as many as a browser asks at once over HTTP/1.1. */
  readonly atOnce: number;
  readonly waiting: number;
  readonly waitMs: number;
}

const usualBounds: TurnBounds = { atOnce: 6, waiting: 30, waitMs: 5_000 };

interface Turns {
  running: number;
  /** Each is told whether its turn has come. */
  readonly waiting: Set<(isIn: boolean) => void>;
}

export function createQueryTurns(bounds: TurnBounds = usualBounds): QueryTurns {
  const keys = new Map<string, Turns>();

  const enter = (keyId: string): boolean | Promise<boolean> => {
    const turns = keys.get(keyId) ?? { running: 0, waiting: new Set() };
    keys.set(keyId, turns);
    if (turns.running < bounds.atOnce) {
      turns.running += 1;
      return true;
    }
    if (turns.waiting.size >= bounds.waiting) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const patience = setTimeout(() => answer(false), bounds.waitMs);
    const answer = (isIn: boolean): void => {
      clearTimeout(patience);
      turns.waiting.delete(answer);
      resolve(isIn);
    };
    turns.waiting.add(answer);
    return promise;
  };
  /** The place goes to the one that has waited longest. */
  const leave = (keyId: string): void => {
    const turns = keys.get(keyId);
    if (turns === undefined) return;
    const [next] = turns.waiting;
    if (next !== undefined) {
      next(true);
      return;
    }
    turns.running -= 1;
    if (turns.running === 0) keys.delete(keyId);
  };
  return {
    take: async (caller, run) => {
      if (caller.tag === "admin") return run();
      const { key_id } = caller.key;
      if (!(await enter(key_id))) return tooManyQueries(bounds);
      try {
        return await run();
      } finally {
        leave(key_id);
      }
    },
  };
}

const tooManyQueries = ({ atOnce, waiting }: TurnBounds): Response =>
  problem(
    429,
    "Too many queries",
    `A key may have ${atOnce} queries answered at once, and ${waiting} more that wait.`,
  );
