// Whether Postgres answers at all, asked over a connection that nothing else uses: a long query tells nothing of that.

import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "./postgres.ts";

export interface Liveness {
  /** False where it was silent twice in a row, each time for a while; a refusal is an answer too. */
  readonly answers: () => Promise<boolean>;
  readonly end: () => Promise<void>;
}

const silenceMs = 700;

/** Opens nothing before it is asked, and asks one question at a time, whoever wants to know. */
export function watchLiveness(open: () => Sql): Liveness {
  let sql: Sql | undefined;
  let asking: Promise<boolean> | undefined;

  async function answersOnce(): Promise<boolean> {
    const connection = sql ?? open();
    sql = connection;
    const patience = new AbortController();
    const silence = pause(silenceMs, false, { signal: patience.signal }).catch(() => false);
    const answer = connection`select 1`.then(
      () => true,
      () => true,
    );
    const hasAnswered = await Promise.race([answer, silence]);
    patience.abort();
    if (!hasAnswered) {
      // What is silent may stay so although Postgres is back: the next question goes over a new connection.
      if (sql === connection) sql = undefined;
      connection.end({ timeout: 0 }).catch(() => {});
    }
    return hasAnswered;
  }

  return {
    answers: () => {
      asking ??= answersOnce()
        .then((hasAnswered) => hasAnswered || answersOnce())
        .finally(() => {
          asking = undefined;
        });
      return asking;
    },
    end: async () => {
      await sql?.end({ timeout: 0 }).catch(() => {});
    },
  };
}
