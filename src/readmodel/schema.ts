// Makes the read model's tables: aside where there are others, so that queries never see half of them.
// Knows the projections only as values.

import { readFileSync } from "node:fs";
import type { Projection } from "../../projections/projection.ts";
import { faultCode } from "./database-fault.ts";
import {
  adoptTables,
  type EventPlace,
  type LogIdentity,
  type LogMark,
  logMarkFunctions,
  logMarkTable,
  otherLogReason,
  readLogMark,
} from "./log-identity.ts";
import { readModelSchema, type Sql } from "./postgres.ts";

/** Where new tables are built, and where those go that they replace. */
const aside = `${readModelSchema}_next`;
const replaced = `${readModelSchema}_old`;

const checkpointTables = new URL("./checkpoint.sql", import.meta.url);
const checkpointFunctions = new URL("./checkpoint.functions.sql", import.meta.url);
/** Raised whenever checkpoint.sql changes: the read model is then built anew from the log. */
const ownVersion = 3;
const lockNotAvailable = "55P03";

/** Names the one checkpoint of the read model: which projections, in which versions. */
export const checkpointName = (projections: readonly Projection[]): string =>
  [{ name: "projector", version: ownVersion }, ...projections]
    .map(({ name, version }) => `${name}@${version}`)
    .join(" ");

export interface Checkpoint {
  /** Undefined: nothing yet. */
  readonly position: bigint | undefined;
  readonly deadLetters: number;
}

/**
 * The tables that a session uses, by their bare names. `isServed`: they are those that queries see; else they are built
 * aside, and are to be served once complete.
 */
export interface Tables {
  readonly isServed: boolean;
  /** How far those have come that queries see; nowhere where they are of another log. */
  readonly served: Checkpoint;
  /** The log that they are built from, and the last of its events that they have. */
  readonly logId: string;
  readonly lastEvent: EventPlace | undefined;
}

/**
 * Lets the session use the tables of these projections in these versions, built from this log; makes them where there
 * are none, aside of what queries see. Only for the one that leads; safe to run again after a fault at any moment.
 *
 * Each step is one script sent as one query, which Postgres runs as one transaction. The client's own transactions
 * are not used in this folder: when their connection is cut they write to it once more, and that ends the process.
 */
export async function prepareTables(
  sql: Sql,
  projections: readonly Projection[],
  log: LogIdentity,
): Promise<Tables> {
  await sql.unsafe(use(readModelSchema));
  let mark = await markOfLog(sql, log);
  const served = mark === undefined ? nowhere : await readServedCheckpoint(sql);
  const isServed = mark !== undefined && (await isMade(sql, projections));
  const schema = isServed ? readModelSchema : aside;
  if (!isServed) {
    await sql.unsafe(use(aside));
    mark = await markOfLog(sql, log);
    if (mark === undefined || !(await isMade(sql, projections))) {
      await makeTables(sql, projections);
      mark = undefined;
    }
  }
  const logId = await log.id();
  const steps = [read(logMarkTable), adoptTables(logId), read(checkpointFunctions), read(logMarkFunctions)];
  await sql.unsafe(script(schema, steps));
  return { isServed, served, logId, lastEvent: mark?.event };
}

/** Of the tables that the session uses; undefined where they are of another log. */
async function markOfLog(sql: Sql, log: LogIdentity): Promise<LogMark | undefined> {
  const mark = await readLogMark(sql);
  return (await otherLogReason(mark, log)) === undefined ? mark : undefined;
}

/**
 * Tables that were built aside take the place of those that queries saw until now, which nobody waits for: a query under
 * way ends on the tables that it began with.
 */
export async function serveTables(sql: Sql): Promise<void> {
  await sql.unsafe(
    script(readModelSchema, [
      `drop schema if exists ${replaced} cascade`,
      `do $$ begin
         if to_regnamespace('${readModelSchema}') is not null then
           alter schema ${readModelSchema} rename to ${replaced};
         end if;
       end $$`,
      `alter schema ${aside} rename to ${readModelSchema}`,
    ]),
  );
  await sql.unsafe(use(readModelSchema));
}

/** While these are served: drops what other versions left. False where a query still reads it: then try again later. */
export async function dropLeftTables(sql: Sql): Promise<boolean> {
  try {
    await sql.unsafe(
      script(readModelSchema, [
        "set local lock_timeout = '100ms'",
        `drop schema if exists ${replaced} cascade`,
        `drop schema if exists ${aside} cascade`,
      ]),
    );
    return true;
  } catch (error) {
    if (faultCode(error) === lockNotAvailable) return false;
    throw error;
  }
}

async function isMade(sql: Sql, projections: readonly Projection[]): Promise<boolean> {
  if (!(await hasTables(sql))) return false;
  return (await sql`select 1 from checkpoints where name = ${checkpointName(projections)}`).length > 0;
}

async function hasTables(sql: Sql): Promise<boolean> {
  const [found] = await sql`select to_regclass('checkpoints') is not null as is_there`;
  return found?.is_there === true;
}

async function makeTables(sql: Sql, projections: readonly Projection[]): Promise<void> {
  const name = `'${checkpointName(projections).replaceAll("'", "''")}'`;
  const tables = [checkpointTables, ...projections.map((projection) => projection.sql)];
  await sql.unsafe(
    script(aside, [
      `drop schema if exists ${aside} cascade`,
      `create schema ${aside}`,
      ...tables.map(read),
      `insert into checkpoints (name) values (${name})`,
    ]),
  );
}

const read = (file: URL): string => readFileSync(file, "utf8");

const use = (schema: string): string => `set search_path = ${schema}`;

const script = (schema: string, steps: readonly string[]): string =>
  [
    "select pg_advisory_xact_lock(hashtextextended('incident-ledger schema', 0))",
    `set local search_path = ${schema}`,
    ...steps,
  ].join(";\n");

/** How far the tables that the session uses have come. Throws where they are those of other versions. */
export async function readCheckpoint(sql: Sql, projections: readonly Projection[]): Promise<Checkpoint> {
  const [found] = await sql`
    select position, (select count(*) from dead_letters)::integer as dead_letters from checkpoints
    where name = ${checkpointName(projections)}`;
  if (found === undefined) throw new Error("the read model is that of another version of the service");
  return checkpointOf(found);
}

/** How far the tables have come that queries see, whichever version's; nowhere where there are none. */
export async function readServedCheckpoint(sql: Sql): Promise<Checkpoint> {
  if (!(await hasTables(sql))) return nowhere;
  const [found] = await sql`
    select position, (select count(*) from dead_letters)::integer as dead_letters from checkpoints`;
  return checkpointOf(found ?? {});
}

const nowhere: Checkpoint = { position: undefined, deadLetters: 0 };

const checkpointOf = (row: { readonly position?: string | null; readonly dead_letters?: number }) => ({
  position: row.position == null ? undefined : BigInt(row.position),
  deadLetters: row.dead_letters ?? 0,
});
