// Whether Postgres answers at all, asked over a connection that nothing else uses: a long query tells nothing of that.

import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "./postgres.ts";

export interface Liveness {
  /** False where it was silent twice in a row, each time for a while; a refusal is an answer too. */
  readonly answers: () => Promise<boolean>;
  /** Why Postgres cannot be asked now: the client's own words, or that it is silent; undefined where it can. */
  readonly problem: () => Promise<string | undefined>;
  readonly end: () => Promise<void>;
}

const silenceMs = 700;
const silent = "it does not answer";

/** Opens nothing before it is asked, and asks one question at a time, whoever wants to know. */
export function watchLiveness(open: () => Sql): Liveness {
  let sql: Sql | undefined;
  let asking: Promise<string | undefined> | undefined;

  async function problemOnce(): Promise<string | undefined> {
    const connection = sql ?? open();
    sql = connection;
    const patience = new AbortController();
    const silence = pause(silenceMs, silent, { signal: patience.signal }).catch(() => silent);
    const answer = connection`select 1`.then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const problem = await Promise.race([answer, silence]);
    patience.abort();
    if (problem === silent) {
      // What is silent may stay so although Postgres is back: the next question goes over a new connection.
      if (sql === connection) sql = undefined;
      connection.end({ timeout: 0 }).catch(() => {});
    }
    return problem;
  }
  const problem = (): Promise<string | undefined> => {
    asking ??= problemOnce()
      .then((found) => (found === silent ? problemOnce() : found))
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };

  return {
    answers: async () => (await problem()) !== silent,
    problem,
    end: async () => {
      await sql?.end({ timeout: 0 }).catch(() => {});
    },
  };
}
