// Tells faults of the database's being away from faults of ours, for those who ask the read model.

import { setTimeout as pause } from "node:timers/promises";
import type { Liveness } from "./liveness.ts";

/** Postgres cannot be asked now, or the read model is not made yet; asking again later is right. */
export class ReadModelUnavailable extends Error {
  override readonly name = "ReadModelUnavailable";
}

/** Runs a query; what says that Postgres is away becomes ReadModelUnavailable, also where it never answers. */
export type Asking = <T>(run: () => Promise<T>) => Promise<T>;

// Connection faults of the client, and SQLSTATE classes: 08 connection, 28 password, 53 resources, 57 intervention,
// 58 system, 25006 read only, 40 rollback; database (3D000), schema (3F000) or tables (42P01) not made yet; 42703 and
// 42883 of another version.
const away =
  /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_|08|53|57|58|40|25006|3D000|3F000|42P01|42703|42883|28)/;
const longestMs = 12_000;
/** A query that takes longer has Postgres asked whether it is there, and again each time that long after the answer. */
const longMs = 500;
/** Queries under way or left to themselves: what is frozen keeps those that nobody waits for any more. */
const mostQueries = 1_000;

/**
 * Without a liveness a Postgres that has gone silent is told only by the longest time that a query may take.
 * `refusal`: why nothing that the tables hold may be shown now, asked before each query and after it.
 */
export function askingOf(
  liveness?: Pick<Liveness, "answers">,
  refusal: () => string | undefined = () => undefined,
): Asking {
  let queries = 0;
  const refuse = (): void => {
    const reason = refusal();
    if (reason !== undefined) throw new ReadModelUnavailable(reason);
  };
  return async (run) => {
    refuse();
    if (queries >= mostQueries) throw new ReadModelUnavailable("too many queries wait for Postgres");
    queries += 1;
    const bound = new AbortController();
    try {
      const answer = run().finally(() => {
        queries -= 1;
      });
      const answered = await Promise.race([answer, silenceOf(liveness, bound.signal)]);
      refuse();
      return answered;
    } catch (error) {
      const code = String((error as { code?: unknown } | null)?.code ?? "");
      if (away.test(code)) throw new ReadModelUnavailable(code);
      throw error;
    } finally {
      bound.abort();
    }
  };
}

/** Rejects where Postgres does not answer; nothing comes of it once the signal is given. */
async function silenceOf(liveness: Pick<Liveness, "answers"> | undefined, over: AbortSignal): Promise<never> {
  const since = performance.now();
  const rest = (ms: number) => pause(ms, undefined, { signal: over }).catch(() => {});
  while (performance.now() - since < longestMs && !over.aborted) {
    await rest(liveness === undefined ? longestMs : longMs);
    if (over.aborted) break;
    if (liveness !== undefined && !(await liveness.answers())) break;
  }
  if (over.aborted) return new Promise(() => {});
  throw new ReadModelUnavailable("Postgres did not answer");
}
