// The port of the fold of key usage on Postgres.

import type { KeyUsageStore } from "../../projections/key-usage/store.ts";
import { arrayOf } from "./array-literal.ts";
import { instantOf } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

export const keyUsageStore = (sql: Sql): KeyUsageStore => ({
  lastUsed: async (keys) => {
    const rows = await sql<{ key_id: string; last_used_at: string; last_used_at_ns: number }[]>`
      select key_id, last_used_at, last_used_at_ns from key_usage where key_id = any(${arrayOf(keys)}::uuid[])`;
    return new Map(rows.map((row) => [row.key_id, instantOf(row.last_used_at, row.last_used_at_ns)]));
  },
});
