// The one statement that writes a batch: rows of every table, dead letters and checkpoint, all of them or none.

import type { Changes, ColumnType, Table, TableChanges } from "../../projections/table.ts";
import { columnArrays } from "./array-literal.ts";

/** What comes before the rows among the statement's values. */
const ownValues = 7;

const arrayTypes: Readonly<Record<ColumnType, readonly string[]>> = {
  integer: ["integer"],
  smallint: ["smallint"],
  bigint: ["bigint"],
  numeric: ["numeric"],
  boolean: ["boolean"],
  text: ["text"],
  uuid: ["uuid"],
  bytea: ["bytea"],
  jsonb: ["jsonb"],
  instant: ["timestamp", "smallint"],
};

export interface WriteStatement {
  readonly text: string;
  /** In the order of the statement, after its own seven: checkpoint, from, to, letters, revived, log, last event. */
  readonly values: (changes: Changes) => readonly string[];
}

const advance =
  "select advance_checkpoint($1::text, $2::text::numeric, $3::text::numeric, $4::text::json, $5::text::numeric), " +
  "mark_log($6::text::uuid, $7::text::json), pg_backend_pid() as pid";

/** For a batch that changes no table. */
export const checkpointStatement = advance;

export function writeStatement(tables: readonly Table[]): WriteStatement {
  let next = ownValues;
  const parts = tables.flatMap((table, place) => {
    const key = arraysOf(table, table.key, () => ++next);
    const rows = arraysOf(table, Object.keys(table.columns), () => ++next);
    return [
      `removed_${place} as (delete from ${table.name} t using ${key.from} where ${key.names.map((name) => `t.${name} = r.${name}`).join(" and ")})`,
      `written_${place} as (insert into ${table.name} (${rows.names.join(", ")}) select ${rows.names.join(", ")} from ${rows.from}${onConflict(table, key.names, rows.names)})`,
    ];
  });
  return {
    text: `with ${parts.join(", ")} ${advance}`,
    values: (changes) => tables.flatMap((table) => valuesOf(table, changes.get(table) ?? nothing)),
  };
}

const nothing: TableChanges = { rows: [], removed: [] };

/** The columns' names in SQL, and what they are read from: `r`, one row for each place of the arrays. */
function arraysOf(table: Table, columns: readonly string[], nextValue: () => number) {
  const names = columns.flatMap((column) =>
    table.columns[column] === "instant" ? [column, `${column}_ns`] : [column],
  );
  const types = columns.flatMap((column) => arrayTypes[table.columns[column] as ColumnType]);
  const arrays = types.map((type) => `$${nextValue()}::${type}[]`);
  return { names, from: `unnest(${arrays.join(", ")}) as r(${names.join(", ")})` };
}

function onConflict(table: Table, key: readonly string[], names: readonly string[]): string {
  if (!table.isUnique) return "";
  const others = names.filter((name) => !key.includes(name));
  return ` on conflict (${key.join(", ")}) do update set ${others.map((name) => `${name} = excluded.${name}`).join(", ")}`;
}

function valuesOf({ columns, key }: Table, { rows, removed }: TableChanges): readonly string[] {
  const arrays = (of: typeof rows, names: readonly string[]) =>
    names.flatMap((name) => columnArrays(of, name, columns[name] as ColumnType));
  return [...arrays(removed, key), ...arrays(rows, Object.keys(columns))];
}
