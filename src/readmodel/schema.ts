// Makes the read model's tables and functions. Knows the projections only as values.

import { readFileSync } from "node:fs";
import type { Projection } from "../../projections/projection.ts";
import { faultCode } from "./database-fault.ts";
import { readModelSchema, type Sql } from "./postgres.ts";

const checkpointTables = new URL("./checkpoint.sql", import.meta.url);
const checkpointFunctions = new URL("./checkpoint.functions.sql", import.meta.url);
const alreadyMade = "LC002";

/** Raised whenever checkpoint.sql changes: the read model is then built anew from the log. */
const ownVersion = 2;

/** Names the one checkpoint of the read model: which projections, in which versions. */
export const checkpointName = (projections: readonly Projection[]): string =>
  [{ name: "projector", version: ownVersion }, ...projections]
    .map(({ name, version }) => `${name}@${version}`)
    .join(" ");

/**
 * Makes schema, tables, functions and checkpoint where they are missing; safe to run at every start and from several
 * processes. Where the tables are those of other projections or versions they are dropped, and the replay starts over.
 *
 * Each step is one script sent as one query, which Postgres runs as one transaction. The client's own transactions
 * are not used in this folder: when their connection is cut they write to it once more, and that ends the process.
 */
export async function makeSchema(sql: Sql, projections: readonly Projection[]): Promise<void> {
  if (!(await isMade(sql, projections))) await makeTables(sql, projections);
  const functions = [checkpointFunctions, ...projections.flatMap((projection) => projection.functions)];
  // Functions call each other across files, so their bodies are not checked as they come.
  await sql.unsafe(
    script(["set check_function_bodies = off", ...functions.map(read), "reset check_function_bodies"]),
  );
}

async function isMade(sql: Sql, projections: readonly Projection[]): Promise<boolean> {
  const [found] = await sql`select to_regclass(${`${readModelSchema}.checkpoints`}) is not null as is_there`;
  if (found?.is_there !== true) return false;
  return (await sql`select 1 from checkpoints where name = ${checkpointName(projections)}`).length > 0;
}

async function makeTables(sql: Sql, projections: readonly Projection[]): Promise<void> {
  const name = `'${checkpointName(projections).replaceAll("'", "''")}'`;
  const tables = [checkpointTables, ...projections.map((projection) => projection.tables)];
  const steps = [
    // Another process may have made them between the look and the lock.
    `do $$ declare is_made boolean := false; begin
       if to_regclass('${readModelSchema}.checkpoints') is not null then
         execute $q$ select exists (select from ${readModelSchema}.checkpoints where name = ${name}) $q$ into is_made;
       end if;
       if is_made then raise exception 'made by another process' using errcode = '${alreadyMade}'; end if;
     end $$`,
    `drop schema if exists ${readModelSchema} cascade`,
    `create schema ${readModelSchema}`,
    ...tables.map(read),
    `insert into checkpoints (name) values (${name})`,
  ];
  try {
    await sql.unsafe(script(steps));
  } catch (error) {
    if (faultCode(error) !== alreadyMade) throw error;
  }
}

const read = (file: URL): string => readFileSync(file, "utf8");

const script = (steps: readonly string[]): string =>
  ["select pg_advisory_xact_lock(hashtextextended('incident-ledger schema', 0))", ...steps].join(";\n");

/** How far the tables have come (undefined: nothing yet). Throws where they are those of other versions. */
export async function readCheckpoint(
  sql: Sql,
  projections: readonly Projection[],
): Promise<{ readonly position: bigint | undefined; readonly deadLetters: number }> {
  const [found] = await sql`
    select position, (select count(*) from dead_letters)::integer as dead_letters from checkpoints
    where name = ${checkpointName(projections)}`;
  if (found === undefined) throw new Error("the read model is that of another version of the service");
  const position = found.position === null ? undefined : BigInt(found.position);
  return { position, deadLetters: found.dead_letters };
}
