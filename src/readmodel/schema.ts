// Makes the read model's tables and functions. Knows the projections only as values.

import { readFileSync } from "node:fs";
import type { ReservedSql } from "postgres";
import type { Projection } from "../../projections/projection.ts";
import { readModelSchema, type Sql } from "./postgres.ts";

const checkpointTables = new URL("./checkpoint.sql", import.meta.url);
const checkpointFunctions = new URL("./checkpoint.functions.sql", import.meta.url);

/** Names the one checkpoint of the read model: which projections, in which versions. */
export const checkpointName = (projections: readonly Projection[]): string =>
  projections.map(({ name, version }) => `${name}@${version}`).join(" ");

/**
 * Makes schema, tables, functions and checkpoint where they are missing; safe to run at every start and from several
 * processes. Where the tables are those of other projections or versions they are dropped, and the replay starts over.
 */
export async function makeSchema(sql: Sql, projections: readonly Projection[]): Promise<void> {
  const name = checkpointName(projections);
  const schema = sql(readModelSchema);
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('incident-ledger schema', 0))`;
    const [found] = await tx`select to_regclass(${`${readModelSchema}.checkpoints`}) is not null as exists`;
    const current = found?.exists === true ? await tx`select 1 from checkpoints where name = ${name}` : [];
    if (current.length === 0) {
      await tx`drop schema if exists ${schema} cascade`;
      await tx`create schema ${schema}`;
      await tx.unsafe(readFileSync(checkpointTables, "utf8"));
      for (const { tables } of projections) await tx.unsafe(readFileSync(tables, "utf8"));
      await tx`insert into checkpoints (name) values (${name})`;
    }
    // Functions call each other across files.
    await tx`set local check_function_bodies = off`;
    for (const file of [checkpointFunctions, ...projections.flatMap(({ functions }) => functions)]) {
      await tx.unsafe(readFileSync(file, "utf8"));
    }
  });
}

/** How far the tables have come (undefined: nothing yet). Throws where they are those of other versions. */
export async function readCheckpoint(
  sql: Sql | ReservedSql,
  projections: readonly Projection[],
): Promise<{ readonly position: bigint | undefined; readonly deadLetters: number }> {
  const [found] = await sql`
    select position, (select count(*) from dead_letters)::integer as dead_letters from checkpoints
    where name = ${checkpointName(projections)}`;
  if (found === undefined) throw new Error("the read model is that of another version of the service");
  const position = found.position === null ? undefined : BigInt(found.position);
  return { position, deadLetters: found.dead_letters };
}
