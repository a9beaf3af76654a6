// The SQLite file that holds the log: one table of events in log order, one of streams. Knows nothing of gRPC.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { checkSumOf, type Damage, damagedEvent } from "./event-check.ts";
import { closeWithMark, versionOf } from "./journal-mark.ts";
import { headOf, isFull, openFile } from "./open-file.ts";
import { PrefixIndex } from "./prefix-index.ts";
import { statements } from "./statements.ts";

/** Revision of a tombstone: greater than any other. */
export const tombstoneRevision = Number.MAX_SAFE_INTEGER;
/** A page of a read holds no more than this many events and, but for its last event, bytes. */
const pageEvents = 256;
const pageBytes = 2_097_152;
/** At most this many stream states are held in memory. */
const cachedStreams = 50_000;

export interface StoredStream {
  readonly key: number;
  readonly name: string;
  last: number;
  tombstoned: boolean;
  /** First revision that stream reads show (`$tb`); Infinity: the stream is deleted until the next append. */
  truncateBefore: number;
  maxCount: number | undefined;
  /** Seconds. */
  maxAge: number | undefined;
  hasMetadata: boolean;
}

export interface FileEvent {
  readonly position: number;
  readonly stream: string;
  readonly revision: number;
  readonly id: Uint8Array;
  readonly type: string;
  readonly isJson: boolean;
  /** Microseconds since 1970. */
  readonly created: number;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface ProposedEvent {
  readonly id: Uint8Array;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface EventPage {
  readonly events: readonly FileEvent[];
  /** Whether the page is full, so that something may follow it. */
  readonly more: boolean;
}

interface EventRow {
  position: number;
  /** null where the event names no stream that there is. */
  name: string | null;
  revision: number;
  id: Uint8Array;
  type: string;
  is_json: number;
  created: number;
  data: Uint8Array;
  metadata: Uint8Array;
  crc: number | null;
}

export class EventFile {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #streams = new Map<string, StoredStream>();
  readonly #insertEvent: StatementSync;
  readonly #insertStream: StatementSync;
  readonly #updateStream: StatementSync;
  readonly #findStream: StatementSync;
  readonly #revisionOfId: StatementSync;
  readonly #idAtRevision: StatementSync;
  readonly #positionAtRevision: StatementSync;
  readonly #at: StatementSync;
  readonly #forwards: StatementSync;
  readonly #backwards: StatementSync;
  readonly #streamForwards: StatementSync;
  readonly #streamBackwards: StatementSync;
  readonly #tell: (damage: Damage) => void;
  #head: number;
  readonly underPrefix: PrefixIndex;
  /** Of the newest transaction, and whether the journal holds some that the file does not. */
  #transaction: number;
  #isBehind = false;
  #isReleased = false;

  /**
   * Opens or makes the file and holds it alone. Throws a plain Error that says what is wrong with it. `tell` hears of
   * the damage that it opens with, and of each event read in vain, as often as it is.
   */
  constructor(file: string, tell: (damage: Damage) => void = () => {}) {
    this.#file = file;
    this.#tell = tell;
    const { db, transaction } = openFile(file, tell);
    this.#db = db;
    this.#transaction = transaction;
    const prepare = (name: keyof typeof statements): StatementSync => this.#db.prepare(statements[name]);
    this.#insertEvent = prepare("insertEvent");
    this.#insertStream = prepare("insertStream");
    this.#updateStream = prepare("updateStream");
    this.#findStream = prepare("findStream");
    this.#revisionOfId = prepare("revisionOfId");
    this.#idAtRevision = prepare("idAtRevision");
    this.#positionAtRevision = prepare("positionAtRevision");
    this.#at = prepare("at");
    this.#forwards = prepare("forwards");
    this.#backwards = prepare("backwards");
    this.#streamForwards = prepare("streamForwards");
    this.#streamBackwards = prepare("streamBackwards");
    this.underPrefix = new PrefixIndex(this.#db);
    this.#head = headOf(this.#db);
  }

  /** Position of the newest event; 0 where there is none. */
  get head(): number {
    return this.#head;
  }

  begin(): void {
    this.#db.exec("begin immediate");
    this.#db.exec(`pragma user_version = ${versionOf({ isOpen: true, transaction: this.#transaction + 1 })}`);
  }

  /** Returns once everything since `begin` is on the disk. */
  commit(): void {
    this.#db.exec("commit");
    this.#transaction += 1;
    this.#isBehind = true;
  }

  /** Writes the log's own journal into the file, as far as it holds something new. SQLite does so too when it is long. */
  writeBack(): void {
    if (!this.#isBehind) return;
    this.#db.exec("pragma wal_checkpoint(passive)");
    this.#isBehind = false;
  }

  rollback(head: number): void {
    this.#streams.clear();
    this.#head = head;
    if (this.#db.isTransaction !== false) this.#db.exec("rollback");
  }

  /** Writes the log's own journal into the file, which then needs it no more, and lets go of it. */
  close(): void {
    try {
      const transaction = this.#transaction + 1;
      this.#db.exec(`pragma user_version = ${versionOf({ isOpen: false, transaction })}`);
      this.#db.exec("pragma wal_checkpoint(truncate)");
    } catch (error) {
      // The journal then stays beside the file.
      if (!isFull(error)) throw error;
    } finally {
      this.release();
    }
  }

  /**
   * Lets go of it as it is. Before the process ends in any other way than by a signal: the runtime would close it then,
   * and SQLite remove a journal that the file still names.
   */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    closeWithMark(this.#db, this.#file);
  }

  stream(name: string): StoredStream | undefined {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const row = this.#findStream.get(name) as Record<string, number | null> | undefined;
    if (row === undefined) return undefined;
    return this.#keep(name, {
      key: Number(row.key),
      name,
      last: Number(row.last),
      tombstoned: row.tombstoned === 1,
      truncateBefore: row.truncate_before === -1 ? Number.POSITIVE_INFINITY : Number(row.truncate_before),
      maxCount: row.max_count ?? undefined,
      maxAge: row.max_age ?? undefined,
      hasMetadata: row.has_metadata === 1,
    });
  }

  makeStream(name: string): StoredStream {
    const { lastInsertRowid } = this.#insertStream.run(name);
    return this.#keep(name, {
      key: Number(lastInsertRowid),
      name,
      last: -1,
      tombstoned: false,
      truncateBefore: 0,
      maxCount: undefined,
      maxAge: undefined,
      hasMetadata: false,
    });
  }

  saveStream(stream: StoredStream): void {
    this.#updateStream.run(
      stream.last,
      stream.tombstoned ? 1 : 0,
      Number.isFinite(stream.truncateBefore) ? stream.truncateBefore : -1,
      stream.maxCount ?? null,
      stream.maxAge ?? null,
      stream.hasMetadata ? 1 : 0,
      stream.key,
    );
  }

  /** Adds one event; the position moves on by its size, as in a log of bytes. */
  add(stream: StoredStream, revision: number, event: ProposedEvent, created: number): number {
    this.#head += sizeOf(event);
    this.#insertEvent.run(
      this.#head,
      stream.key,
      revision,
      event.id,
      event.type,
      event.isJson ? 1 : 0,
      created,
      event.data,
      event.metadata,
      checkSumOf({ ...event, position: this.#head, revision, created, stream: stream.name }),
    );
    return this.#head;
  }

  revisionOf(stream: StoredStream, id: Uint8Array): number | undefined {
    const found = this.#revisionOfId.get(stream.key, id) as { revision: number | null } | undefined;
    return found?.revision ?? undefined;
  }

  positionAt(stream: StoredStream, revision: number): number | undefined {
    return (this.#positionAtRevision.get(stream.key, revision) as { position: number } | undefined)?.position;
  }

  idAt(stream: StoredStream, revision: number): Uint8Array | undefined {
    return (this.#idAtRevision.get(stream.key, revision) as { id: Uint8Array } | undefined)?.id;
  }

  /** Events of the whole log, from a position on (inclusive). */
  forwards(from: number, limit = pageEvents): EventPage {
    return this.#page(this.#forwards, [from], limit);
  }

  /** The events at these positions, from one of them on; a page of them, as of every read. */
  atPositions(positions: readonly number[], from: number): readonly FileEvent[] {
    const events: FileEvent[] = [];
    let bytes = 0;
    for (
      let next = from;
      next < positions.length && events.length < pageEvents && bytes < pageBytes;
      next++
    ) {
      const row = this.#at.get(positions[next] ?? 0);
      const event = toEvent(row as unknown as EventRow, this.#tell);
      events.push(event);
      bytes += event.data.length + event.metadata.length;
    }
    return events;
  }

  /** Events of the whole log before a position (exclusive), newest first. */
  backwards(before: number, limit = pageEvents): EventPage {
    return this.#page(this.#backwards, [before], limit);
  }

  ofStream(
    stream: StoredStream,
    range: { from: number; to: number; limit?: number; direction: "forwards" | "backwards" },
  ): EventPage {
    const statement = range.direction === "forwards" ? this.#streamForwards : this.#streamBackwards;
    // Beyond every revision there is nothing, and no number that SQLite would take.
    if (range.from > range.to) return { events: [], more: false };
    const found = this.#page(statement, [stream.key, range.from, range.to], range.limit ?? pageEvents);
    const first = range.direction === "forwards" ? range.from : Math.min(range.to, stream.last);
    const gap = found.events.find(({ revision }, index) => {
      const wanted = range.direction === "forwards" ? first + index : first - index;
      return revision !== wanted && revision <= stream.last;
    });
    if (gap !== undefined)
      throw new Error(
        `Stream ${stream.name} is damaged: revision ${gap.revision} follows in the wrong place`,
      );
    return found;
  }

  #page(statement: StatementSync, from: readonly number[], asked: number): EventPage {
    const limit = Math.min(asked, pageEvents);
    const events: FileEvent[] = [];
    let bytes = 0;
    for (const row of statement.iterate(...from, limit)) {
      const event = toEvent(row as unknown as EventRow, this.#tell);
      events.push(event);
      bytes += event.data.length + event.metadata.length;
      if (bytes >= pageBytes) return { events, more: true };
    }
    return { events, more: events.length === limit };
  }

  #keep(name: string, stream: StoredStream): StoredStream {
    if (this.#streams.size >= cachedStreams) {
      const oldest = this.#streams.keys().next();
      if (!oldest.done) this.#streams.delete(oldest.value);
    }
    this.#streams.set(name, stream);
    return stream;
  }
}

/** What an event takes in the log, in bytes; positions grow by it. */
export const sizeOf = (event: ProposedEvent): number =>
  event.data.length + event.metadata.length + Buffer.byteLength(event.type) + 64;

/** The event of the row; one that does not fit its check sum, or cannot be read at all, is told of and replaced. */
function toEvent(row: EventRow, tell: (damage: Damage) => void): FileEvent {
  const { position, revision, id, type, created, data, metadata, crc } = row;
  const event = { position, stream: row.name ?? "$damaged", revision, id, type, isJson: row.is_json === 1 };
  const whole = { ...event, created, data, metadata };
  try {
    if (crc === null || crc === checkSumOf(whole)) return whole;
  } catch {
    // A column that is of another kind than it was.
  }
  tell({ event: "damaged", position, stream: event.stream, revision });
  return damagedEvent(event);
}
