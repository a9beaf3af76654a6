// The number in the file's header (PRAGMA user_version) by which the file and its journal know each other: a copy of one
// without the other, or with another's, is found before it is taken for the log. Knows nothing of events.

import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { readJournal } from "./journal-check.ts";

/** Where it stands in the first page: https://www.sqlite.org/fileformat2.html#the_database_header */
export const userVersionAt = 60;
const headerBytes = 100;

export interface Mark {
  /** 2: events have check sums; those written before have none. 3: this mark. */
  readonly format: number;
  /** From its start to an orderly end. */
  readonly isOpen: boolean;
  /** Counts what was committed, and begins anew behind the greatest. */
  readonly transaction: number;
}

export const formatVersion = 3;
const transactions = 2 ** 27;

/** 27 bits for the transaction, one for whether it is open, three for the format. */
export const versionOf = ({ isOpen, transaction }: Omit<Mark, "format">): number =>
  (transaction % transactions) * 16 + (isOpen ? 8 : 0) + formatVersion;

export const markOf = (userVersion: number): Mark => ({
  format: userVersion & 7,
  isOpen: (userVersion & 8) !== 0,
  transaction: userVersion >>> 4,
});

/**
 * What keeps the file from being opened with the journal that lies beside it; undefined where nothing does. Every
 * transaction counts on, so the journal begins at the latest with the one behind the file's last, and ends at the
 * earliest with that. Reads only.
 */
export function journalProblem(file: string): string | undefined {
  const header = headerOf(file);
  if (header === undefined) return undefined;
  const mark = markOf(header.getUint32(userVersionAt));
  if (mark.format < formatVersion) return undefined;
  const journal = `${file}-wal`;
  if (!existsSync(journal)) {
    return mark.isOpen
      ? `its journal ${JSON.stringify(journal)} is missing, and what was recorded last is in it. Put it back; where it is lost for good, restore a backup, or make an empty file of that name and go on with what the file holds`
      : undefined;
  }
  const { versions } = readJournal(readFileSync(journal));
  if (versions === undefined) return undefined;
  const isAfter = (userVersion: number): number =>
    distance(markOf(userVersion).transaction, mark.transaction);
  if (isAfter(versions.first) > 1) {
    return `its journal ${JSON.stringify(journal)} is younger than the file, and what was recorded in between is in neither. Put the file back that belongs to it, or restore a backup`;
  }
  if (isAfter(versions.last) < 0) {
    return `its journal ${JSON.stringify(journal)} is older than the file. Put the journal back that belongs to it, or restore a backup`;
  }
  return undefined;
}

/**
 * Closes it. SQLite then removes a journal that it has written back whole; where the file could not be told so, because
 * the disk is full or the file damaged, an empty one takes its place, and is no reason to refuse the file.
 */
export function closeWithMark(db: DatabaseSync, file: string): void {
  db.close();
  const header = headerOf(file);
  const isOpen = header !== undefined && markOf(header.getUint32(userVersionAt)).isOpen;
  if (isOpen && !existsSync(`${file}-wal`)) writeFileSync(`${file}-wal`, "", { mode: 0o600 });
}

/** How far one is ahead of the other, also across the greatest. */
function distance(one: number, other: number): number {
  const ahead = (one - other + transactions) % transactions;
  return ahead > transactions / 2 ? ahead - transactions : ahead;
}

function headerOf(file: string): DataView | undefined {
  if (!existsSync(file)) return undefined;
  const header = new Uint8Array(headerBytes);
  const handle = openSync(file, "r");
  try {
    if (readSync(handle, header, 0, headerBytes, 0) < headerBytes) return undefined;
  } finally {
    closeSync(handle);
  }
  const isDatabase = Buffer.from(header.subarray(0, 15)).toString("latin1") === "SQLite format 3";
  return isDatabase ? new DataView(header.buffer) : undefined;
}
