// Asks for dead letters to be tried again, and waits a while for what came of it. Only a note in Postgres: the projector
// that leads, in whichever process, takes it up (redrive.ts). Knows no HTTP.

import { setTimeout as pause } from "node:timers/promises";
import type { Sql } from "./postgres.ts";
import { type Asking, askingOf } from "./unavailable.ts";

/** `waiting`: nobody has tried it yet; the note stays, and asking again is harmless. */
export type DeadLetterOutcome =
  | { readonly tag: "applied" }
  | { readonly tag: "failing"; readonly reason: string }
  | { readonly tag: "waiting"; readonly reason: string };

/** How many of the dead letters that there were came to what. */
export interface RedriveCounts {
  readonly applied: number;
  readonly failing: number;
  readonly waiting: number;
}

const longestWaitMs = 5_000;
const lookEveryMs = 100;

/** Each may throw ReadModelUnavailable. */
export function redriveRequests(
  sql: Sql,
  {
    waitMs = longestWaitMs,
    asking: asked = askingOf(),
  }: { readonly waitMs?: number; readonly asking?: Asking } = {},
) {
  return {
    /** Undefined where there is no dead letter at the position. */
    one: (position: bigint): Promise<DeadLetterOutcome | undefined> =>
      asked(async () => {
        const at = position.toString();
        const [noted] = await sql`
          update dead_letters set asked = asked + 1 where position = ${at}::text::numeric returning asked`;
        if (noted === undefined) return undefined;
        return outcome(waitMs, async (isLast): Promise<DeadLetterOutcome | undefined> => {
          const [letter] = await sql`
            select reason, tried from dead_letters where position = ${at}::text::numeric`;
          if (letter === undefined) return { tag: "applied" };
          if (letter.tried >= noted.asked) return { tag: "failing", reason: letter.reason };
          return isLast ? { tag: "waiting", reason: letter.reason } : undefined;
        });
      }),

    all: (): Promise<RedriveCounts> =>
      asked(async () => {
        const [noted] = await sql`
          with noted as (update dead_letters set asked = asked + 1 returning position)
          select count(*)::integer as letters, max(position) as last from noted`;
        if (noted === undefined || noted.letters === 0) return { applied: 0, failing: 0, waiting: 0 };
        return outcome(waitMs, async (isLast): Promise<RedriveCounts | undefined> => {
          // Those that came since lie behind the last one.
          const [left] = await sql`
            select count(*)::integer as letters, (count(*) filter (where asked > tried))::integer as waiting
            from dead_letters where position <= ${noted.last}::text::numeric`;
          const { letters, waiting } = left ?? { letters: 0, waiting: 0 };
          if (waiting > 0 && !isLast) return undefined;
          return { applied: Math.max(0, noted.letters - letters), failing: letters - waiting, waiting };
        });
      }),
  };
}

/** Looks until there is an answer; the last look must have one. */
async function outcome<T>(waitMs: number, look: (isLast: boolean) => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + waitMs;
  for (;;) {
    const isLast = performance.now() >= end;
    const found = await look(isLast);
    if (found !== undefined) return found;
    await pause(lookEveryMs);
  }
}
