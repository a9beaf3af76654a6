// Opens the embedded event store's SQLite file: makes its tables or brings them up to date, and looks for damage. Knows
// nothing of what is done with it.

import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Damage } from "./event-check.ts";
import { keepDamagedJournal } from "./journal-check.ts";
import { closeWithMark, formatVersion, journalProblem, markOf, versionOf } from "./journal-mark.ts";
import { statements } from "./statements.ts";

/** Marks the file as an embedded event store's own (PRAGMA application_id). */
const applicationId = 0x494c4553;
/** Up to this size the whole file is checked at the start; beyond, its tables' roots and newest event. */
const wholeCheckBytes = 67_108_864;

const tables = `
create table if not exists streams (
  key integer primary key,
  name text not null unique,
  last integer not null,
  tombstoned integer not null,
  truncate_before integer not null,
  max_count integer,
  max_age integer,
  has_metadata integer not null
);
create table if not exists events (
  position integer primary key,
  stream integer not null,
  revision integer not null,
  id blob not null,
  type text not null,
  is_json integer not null,
  created integer not null,
  data blob not null,
  metadata blob not null,
  crc integer
);
create unique index if not exists events_of_stream on events (stream, revision);
create index if not exists events_by_id on events (stream, id);`;

/** Held by this process alone until it is closed; every transaction has to count on. */
export interface OpenFile {
  readonly db: DatabaseSync;
  /** Of the newest transaction (journal-mark.ts). */
  readonly transaction: number;
}

/** Throws a plain Error that says what is wrong. */
export function openFile(file: string, tell: (damage: Damage) => void): OpenFile {
  let db: DatabaseSync | undefined;
  try {
    // Before SQLite sees the journal: it would write into the file what does not belong there.
    const problem = journalProblem(file);
    if (problem !== undefined) throw new Error(problem);
    db = new DatabaseSync(file);
    // Before the first touch of the journal: the file is held by this process alone until it closes or dies.
    db.exec("pragma locking_mode = exclusive");
    const marks = db.prepare("pragma application_id").get() as { application_id: number };
    const used = db.prepare("select count(*) as n from sqlite_master").get() as { n: number };
    if (marks.application_id !== applicationId && used.n > 0) {
      throw new Error("it is a database of something else");
    }
    const { user_version } = db.prepare("pragma user_version").get() as { user_version: number };
    const { format, transaction } = markOf(user_version);
    if (format > formatVersion) throw new Error(`it was written by a newer version (format ${format})`);
    const lost = keepDamagedJournal(file);
    if (lost !== undefined)
      tell({ event: "damaged_journal", transactions: lost.transactions, kept_as: lost.keptAs });
    db.exec("pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000");
    db.exec("pragma cache_size = -65536; pragma temp_store = memory");
    // What a journal still holds after a failed flush may be in memory only, and would be built upon: it goes into the
    // file, and is flushed there, before anything new is acknowledged.
    db.exec("pragma wal_checkpoint(truncate)");
    if (used.n === 0 || format < 2) {
      db.exec("begin immediate");
      db.exec(tables);
      if (used.n > 0) db.exec("alter table events add column crc integer");
      db.exec(`pragma application_id = ${applicationId}; pragma user_version = 2`);
      db.exec("commit");
    }
    checkContents(db, file, tell);
    return { db, transaction: markOpen(db, transaction) };
  } catch (error) {
    if (db !== undefined) closeWithMark(db, file);
    throw new Error(`Cannot open the event store's file ${JSON.stringify(file)}: ${plainReason(error)}`);
  }
}

/** From now on the file itself says that a journal belongs to it. Answers the transaction that wrote that. */
function markOpen(db: DatabaseSync, transaction: number): number {
  try {
    db.exec(`pragma user_version = ${versionOf({ isOpen: true, transaction: transaction + 1 })}`);
    db.exec("pragma wal_checkpoint(truncate)");
    return transaction + 1;
  } catch (error) {
    // A full disk is no reason not to be read.
    if (!isFull(error)) throw error;
    return transaction;
  }
}

export const isFull = (error: unknown): boolean => /disk is full|SQLITE_FULL/i.test(String(error));

function plainReason(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  if (/locked|busy/i.test(reason)) return "another event store has it open";
  if (/not a database/i.test(reason))
    return "it is no SQLite database; the file must be an event store's own";
  if (/malformed|corrupt/i.test(reason)) return `it is damaged (${reason}); restore it from a backup`;
  return reason;
}

/** Throws where the file is damaged, as far as that can be seen within a start's time. */
function checkContents(db: DatabaseSync, file: string, tell: (damage: Damage) => void): void {
  headOf(db);
  if (statSync(file).size > wholeCheckBytes) return;
  const check = (): string | undefined => {
    const [found] = db.prepare("pragma integrity_check(1)").all() as { integrity_check: string }[];
    return found?.integrity_check === "ok" ? undefined : (found?.integrity_check ?? "");
  };
  let problem = check();
  if (problem !== undefined && /index/.test(problem)) {
    // Made from the events, so it can be made again; an event that was changed shows by its check sum.
    tell({ event: "damaged_index", problem });
    db.exec("reindex");
    problem = check();
  }
  if (problem !== undefined) throw new Error(`corrupt: ${problem}`);
}

/** Position of the newest event; 0 where there is none. */
export const headOf = (db: DatabaseSync): number =>
  (db.prepare(statements.head).get() as { head: number | null }).head ?? 0;
