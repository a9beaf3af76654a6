// Every table of the read model, whole, in one comparable form.

import type { Sql } from "../../src/readmodel/postgres.ts";

/** Table name -> its rows as text, sorted: equal where the tables hold the same bytes. */
export async function tablesOf(sql: Sql, schema = "ledger"): Promise<Record<string, readonly string[]>> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = ${schema} order by 1`;
  const found: Record<string, readonly string[]> = {};
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`
      select t::text as row from ${sql(`${schema}.${name}`)} t order by t::text collate "C"`;
    found[name] = rows.map(({ row }) => row);
  }
  return found;
}
