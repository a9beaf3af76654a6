// Whether SQLite's journal (the -wal file) is damaged where it must be whole. SQLite itself takes any break in it for
// the end, as a crash leaves it, and forgets what follows. Knows nothing of events.

import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { userVersionAt } from "./journal-mark.ts";

const headerBytes = 32;
const frameHeaderBytes = 24;

export interface JournalReading {
  /**
   * How many whole transactions lie behind a break; 0 where the journal is whole, or ends as a crash leaves it: each
   * transaction is on the disk before the next begins, so that only the last one can be torn.
   */
  readonly behindBreak: number;
  /** The user versions that its first and its last whole transaction set; undefined where it holds none that did. */
  readonly versions: { readonly first: number; readonly last: number } | undefined;
}

/** Reads it as SQLite does, and on behind a break. Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
export function readJournal(journal: Uint8Array): JournalReading {
  const nothing: JournalReading = { behindBreak: 0, versions: undefined };
  const view = new DataView(journal.buffer, journal.byteOffset, journal.length);
  if (journal.length < headerBytes) return nothing;
  const littleEndian = (view.getUint32(0) & 1) === 0;
  const pageBytes = view.getUint32(8);
  // What says no page size that there is has no frames to look for.
  if (pageBytes < 512 || pageBytes > 65_536) return nothing;
  const sum: Sum = { low: 0, high: 0 };
  add(sum, view, { from: 0, to: 24, littleEndian });
  let isWhole = sum.low === view.getUint32(24) && sum.high === view.getUint32(28);
  // Where the header is damaged, the first frame tells which round this is.
  const round = isWhole || journal.length < headerBytes + frameHeaderBytes ? 16 : headerBytes + 8;
  const isOfRound = (at: number): boolean =>
    view.getUint32(at + 8) === view.getUint32(round) && view.getUint32(at + 12) === view.getUint32(round + 4);
  let behind = 0;
  let version: number | undefined;
  let versions: JournalReading["versions"];
  const frameBytes = frameHeaderBytes + pageBytes;
  for (let at = headerBytes; at + frameBytes <= journal.length; at += frameBytes) {
    // Frames of an earlier round of the journal were written into the database before this round began.
    if (!isOfRound(at)) {
      isWhole = false;
      continue;
    }
    if (isWhole) {
      add(sum, view, { from: at, to: at + 8, littleEndian });
      add(sum, view, { from: at + frameHeaderBytes, to: at + frameBytes, littleEndian });
      isWhole = sum.low === view.getUint32(at + 16) && sum.high === view.getUint32(at + 20);
    }
    const endsTransaction = view.getUint32(at + 4) !== 0;
    if (!isWhole && endsTransaction) behind++;
    if (!isWhole) continue;
    if (view.getUint32(at) === 1) version = view.getUint32(at + frameHeaderBytes + userVersionAt);
    if (endsTransaction && version !== undefined)
      versions = { first: versions?.first ?? version, last: version };
  }
  return { behindBreak: behind < 2 ? 0 : behind - 1, versions };
}

/** A copy of the damaged journal beside it, and how much is lost; undefined where nothing is. Before any write. */
export function keepDamagedJournal(
  file: string,
): { readonly keptAs: string; readonly transactions: number } | undefined {
  const journal = `${file}-wal`;
  if (!existsSync(journal)) return undefined;
  const { behindBreak: transactions } = readJournal(readFileSync(journal));
  if (transactions === 0) return undefined;
  const keptAs = `${journal}.${Date.now()}.damaged`;
  copyFileSync(journal, keptAs);
  return { keptAs, transactions };
}

interface Sum {
  low: number;
  high: number;
}

function add(
  sum: Sum,
  view: DataView,
  { from, to, littleEndian }: { readonly from: number; readonly to: number; readonly littleEndian: boolean },
): void {
  let { low, high } = sum;
  for (let at = from; at < to; at += 8) {
    low = (low + view.getUint32(at, littleEndian) + high) >>> 0;
    high = (high + view.getUint32(at + 4, littleEndian) + low) >>> 0;
  }
  sum.low = low;
  sum.high = high;
}
