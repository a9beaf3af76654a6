// Tells faults of the database's being away from faults of ours, for those who ask the read model.

import { setTimeout as pause } from "node:timers/promises";

/** Postgres cannot be asked now, or the read model is not made yet; asking again later is right. */
export class ReadModelUnavailable extends Error {
  override readonly name = "ReadModelUnavailable";
}

// Connection faults of the client, and SQLSTATE classes: 08 connection, 28 password, 53 resources, 57 intervention,
// 58 system, 25006 read only, 40 rollback; database (3D000), schema (3F000) or tables (42P01) not made yet; 42703 and
// 42883 of another version.
const away =
  /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_|08|53|57|58|40|25006|3D000|3F000|42P01|42703|42883|28)/;
const longestMs = 12_000;

/** Runs a query; what says that Postgres is away becomes ReadModelUnavailable, also where it never answers. */
export async function asked<T>(run: () => Promise<T>): Promise<T> {
  const bound = new AbortController();
  try {
    return await Promise.race([
      run(),
      pause(longestMs, undefined, { signal: bound.signal }).then(() => {
        throw new ReadModelUnavailable("Postgres did not answer");
      }),
    ]);
  } catch (error) {
    const code = String((error as { code?: unknown } | null)?.code ?? "");
    if (away.test(code)) throw new ReadModelUnavailable(code);
    throw error;
  } finally {
    bound.abort();
  }
}
