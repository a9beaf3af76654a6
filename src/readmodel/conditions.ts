// Conditions on instants, which are two columns each; the first is compared alone too, for the index on it.

import type { Instant } from "../domain/instant.ts";
import { nanosecondsOf, timestampOf } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

export const isFrom = (sql: Sql, column: string, instant: Instant) =>
  sql`${sql(column)} >= ${timestampOf(instant)} and (${sql(column)}, ${sql(`${column}_ns`)}) >= (${timestampOf(instant)}, ${nanosecondsOf(instant)})`;

export const isAfter = (sql: Sql, column: string, instant: Instant) =>
  sql`${sql(column)} >= ${timestampOf(instant)} and (${sql(column)}, ${sql(`${column}_ns`)}) > (${timestampOf(instant)}, ${nanosecondsOf(instant)})`;

export const isBefore = (sql: Sql, column: string, instant: Instant) =>
  sql`${sql(column)} <= ${timestampOf(instant)} and (${sql(column)}, ${sql(`${column}_ns`)}) < (${timestampOf(instant)}, ${nanosecondsOf(instant)})`;

/** The number of a text, for comparing with a column of such numbers; null where nothing has it. */
export const wordNumber = (sql: Sql, word: string) => sql`(select id from words where word = ${word})`;
