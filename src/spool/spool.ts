// The durable local spool: appends that the event store could not take now wait here, each on the disk before it is
// acknowledged. Knows nothing of the event store. One process owns a directory; DATA_DIR's lock sees to that.

import { type NewEvent, projectOfStream } from "../domain/stored-events.ts";
import { openAside } from "./aside.ts";
import { Backlog, type Limits } from "./backlog.ts";
import { type Disk, realDisk } from "./disk.ts";
import { createDrainWaiters } from "./drain-waiters.ts";
import { createGroupFlush } from "./group-flush.ts";
import { createNoting } from "./noting.ts";
import { type ReadPlace, readPlaces, type Spooled } from "./reader.ts";
import { headerBytes, maxPayloadBytes } from "./record.ts";
import { scanSegment } from "./scan.ts";
import {
  hasDrained,
  listSegments,
  readCursor,
  type Segment,
  type SpoolLog,
  segmentOf,
  writeCursor,
} from "./segments.ts";
import { type After, realAfter } from "./timer.ts";
import { createWriter, type SegmentWriter, type WriteOutcome } from "./writer.ts";

export interface SpoolRecord {
  readonly stream: string;
  /** A position in the event store's log: these events lie behind it, if they lie there at all. Absent where unknown. */
  readonly after?: string;
  /** They were sent to the event store, and nobody knows whether they arrived. */
  readonly sent?: true;
  readonly events: readonly NewEvent[];
}

export interface SpoolStats {
  /** Records not yet acknowledged by the event store. */
  readonly waiting: number;
  /** Of the segments, and of what was set aside. */
  readonly bytes: number;
  /** The most that `bytes` may become. */
  readonly maxBytes: number;
  readonly damaged: number;
  /** When the oldest waiting record was spooled, in epoch milliseconds; undefined while nothing waits. */
  readonly oldestAt: number | undefined;
  readonly state: "working" | "full" | "failed";
}

export interface Spool {
  readonly directory: string;
  /** The last record that was there when the spool was opened: up to it, any may have been sent before. */
  readonly lastBefore: bigint;
  /** Resolves once the record is on the disk, or will never be. Never throws. */
  readonly add: (record: SpoolRecord) => Promise<WriteOutcome>;
  /** Records that wait, each project's in order and each project's turn in turn; each is handed out once. */
  readonly read: (limits: Limits) => Promise<readonly Spooled[]>;
  /** These are in the event store, or set aside, for good. Resolves once that is noted; it may be noted a little later. */
  readonly acknowledge: (records: readonly Spooled[]) => Promise<void>;
  /** Durably keeps what the event store refuses for ever, beside the segments. */
  readonly refuse: (spooled: Spooled, reason: string) => Promise<void>;
  /** Resolves true once none of the project's records that wait now waits any more; false after `ms` or at the end. */
  readonly whenDrained: (project: string, ms: number) => Promise<boolean>;
  /** Whether a record of the stream waits; of a project with very many such streams, all count as waiting. */
  readonly holds: (stream: string) => boolean;
  /** Keeps the greatest position of the event store's log that was seen, beyond a restart too. */
  readonly notePosition: (position: bigint) => void;
  readonly position: () => bigint | undefined;
  /** Resolves when a record has been added, at the latest after `ms`. */
  readonly changed: (ms: number) => Promise<void>;
  readonly stats: () => SpoolStats;
  readonly close: () => Promise<void>;
}

export interface SpoolOptions {
  readonly directory: string;
  /** The most that the segments, and what was set aside, may take up. */
  readonly maxBytes?: number;
  /** A segment is closed once it is this long. */
  readonly segmentBytes?: number;
  /** Called once, with the first error that leaves it open what is on the disk. The process should end loudly. */
  readonly onFailed: (error: unknown) => void;
  readonly log: SpoolLog;
  readonly disk?: Disk;
  readonly now?: () => number;
  readonly after?: After;
}

/** What may wait in memory for the next flush. */
const maxPendingBytes = 64 * 1024 * 1024;
/** A segment in use whose records are all acknowledged is removed from this length on. */
const worthRemovingBytes = 4 * 1024 * 1024;
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, log, disk = realDisk, now = Date.now, after = realAfter } = options;
  const maxBytes = options.maxBytes ?? 1024 ** 3;
  await disk.makeDirectory(directory);
  const aside = await openAside({ directory, disk, log, now });
  const backlog = new Backlog();
  const cursor = await readCursor(directory, disk);
  const segments = await listSegments(directory, disk);
  for (const [index, segment] of segments.entries()) {
    await scanSegment(segment, {
      disk,
      log,
      isNewest: index === segments.length - 1,
      damaged: (offset, bytes) => aside.damaged(segment, offset, bytes),
      record: ({ sequence, at, stream, offset, length }) => {
        const project = projectOfStream(stream);
        if (hasDrained(cursor, project, Number(sequence))) return;
        segment.waiting += 1;
        backlog.hold(stream);
        backlog.add({ project, sequence: Number(sequence), at, offset, length });
      },
    });
  }
  const newest = segments.at(-1)?.last ?? 0n;
  const lastBefore = newest > BigInt(cursor.upTo) ? newest : BigInt(cursor.upTo);
  const writer = createWriter({
    directory,
    disk,
    log,
    segments,
    after: lastBefore,
    segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024,
    onFailed: options.onFailed,
  });
  const removeDrained = removing(segments, { disk, writer });
  // They would take up room until the next record has drained, for which there may be none.
  await removeDrained().catch((error) => {
    log.warn({ error: String(error) }, "cannot remove what the spool has drained");
  });
  const usedBytes = (): number => segments.reduce((sum, segment) => sum + segment.end, aside.bytes());
  const group = createGroupFlush({ writer, backlog, lastBefore, removeDrained, log });
  const noting = createNoting({
    after,
    position: cursor.position,
    write: (position) =>
      writeCursor(directory, disk, { upTo: group.upTo(), waiting: backlog.oldest(), position }),
  });
  const waiters = createDrainWaiters((project) => backlog.oldestIn(project), after);
  let isClosed = false;

  function add(record: SpoolRecord): Promise<WriteOutcome> {
    if (writer.state() === "failed") return Promise.resolve("failed");
    const at = now();
    const { stream, events, ...about } = record;
    // The events come last: what is before them is read alone when the spool is opened.
    const text = JSON.stringify({ at, stream, ...about, events });
    const payload = { text, bytes: Buffer.byteLength(text) };
    const bytes = payload.bytes + headerBytes;
    if (
      isClosed ||
      payload.bytes > maxPayloadBytes ||
      group.pendingBytes() + bytes > maxPendingBytes ||
      usedBytes() + group.pendingBytes() + bytes > maxBytes
    ) {
      return Promise.resolve("full");
    }
    // Held before it is on the disk: what follows it must not overtake it.
    backlog.hold(stream);
    return new Promise((settle) => group.add({ stream, at, payload, settle }));
  }

  async function read(limits: Limits): Promise<readonly Spooled[]> {
    await aside.measure();
    for (;;) {
      const places = backlog.take(limits);
      if (places.length === 0) return [];
      const unread = new Set(places);
      const spooled: Spooled[] = [];
      try {
        for (const read of await readPlaces(places, { segments, disk })) {
          unread.delete(read.place);
          if (read.tag === "record") spooled.push(read.spooled);
          else await loseDamaged(read);
        }
      } finally {
        if (unread.size > 0) backlog.putBack(places.filter((place) => unread.has(place)));
      }
      // Damaged ones hand out nothing; the next ones may be whole.
      if (spooled.length > 0) return spooled;
      await finish();
    }
  }

  async function loseDamaged({
    segment,
    place,
    bytes,
  }: Extract<ReadPlace, { tag: "damaged" }>): Promise<void> {
    await aside.damaged(segment, place.offset, bytes);
    backlog.lost(place);
    segment.waiting -= 1;
    waiters.drained(place.project);
  }

  async function acknowledge(records: readonly Spooled[]): Promise<void> {
    for (const { sequence, record } of records) {
      backlog.done({ project: projectOfStream(record.stream), sequence: Number(sequence) });
      backlog.release(record.stream);
      const segment = segmentOf(segments, Number(sequence));
      if (segment !== undefined) segment.waiting -= 1;
    }
    for (const project of new Set(records.map(({ record }) => projectOfStream(record.stream))))
      waiters.drained(project);
    await finish();
  }

  /** The segments go first: on a full disk that makes the room for the cursor. */
  async function finish(): Promise<void> {
    const current = writer.current();
    if (current?.waiting === 0 && current.end >= worthRemovingBytes && !group.isBusy()) await writer.seal();
    await removeDrained();
    await noting.soon();
  }

  return {
    directory,
    lastBefore,
    add,
    read,
    whenDrained: (project, ms) => waiters.wait(project, group.upTo(), ms),
    holds: (stream) => backlog.holds(stream),
    acknowledge,
    refuse: aside.refused,
    notePosition: noting.seen,
    position: noting.position,
    changed: (ms) =>
      new Promise((resolve) => {
        const wake = (): void => {
          cancel();
          group.waiters.delete(wake);
          resolve();
        };
        const cancel = after(ms, wake);
        group.waiters.add(wake);
      }),
    stats: () => ({
      waiting: backlog.waiting,
      bytes: usedBytes(),
      maxBytes,
      damaged: aside.damages(),
      oldestAt: backlog.oldestAt(),
      state: writer.state(),
    }),
    close: async () => {
      isClosed = true;
      waiters.endAll();
      await group.flushed();
      await writer.seal();
      await noting.now().catch((error) => log.warn({ error: String(error) }, "cannot note what has drained"));
      for (const wake of group.waiters) wake();
    },
  };
}

/** Removes the segments of which nothing waits. One loop at a time: two would take each other's off the list. */
function removing(
  segments: Segment[],
  { disk, writer }: { readonly disk: Disk; readonly writer: SegmentWriter },
): () => Promise<void> {
  let running: Promise<void> | undefined;
  const remove = async (): Promise<void> => {
    // A turn later, so that `running` is set before it is unset.
    await Promise.resolve();
    try {
      for (;;) {
        const drained = segments.find((one) => one.waiting === 0 && one !== writer.current());
        if (drained === undefined) return;
        await disk.remove(drained.path);
        segments.splice(segments.indexOf(drained), 1);
      }
    } finally {
      // In the turn of the last look: who comes later begins another loop.
      running = undefined;
    }
  };
  return () => {
    running ??= remove();
    return running;
  };
}
