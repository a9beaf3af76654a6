// The durable local spool: appends that the event store could not take now wait here, each on the disk before it is
// acknowledged. Knows nothing of the event store. One process owns a directory; DATA_DIR's lock sees to that.

import { join } from "node:path";
import type { NewEvent } from "../domain/stored-events.ts";
import { type Disk, realDisk } from "./disk.ts";
import { createHeldStreams } from "./held-streams.ts";
import { createReader, type Spooled } from "./reader.ts";
import { headerBytes, maxPayloadBytes, type Payload } from "./record.ts";
import { openSegments, readCursor, type SpoolLog, writeCursor } from "./segments.ts";
import { type After, realAfter } from "./timer.ts";
import { createWriter, type WriteOutcome } from "./writer.ts";

export interface SpoolRecord {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

export interface SpoolStats {
  /** Records not yet acknowledged by the event store (an upper bound where records were damaged). */
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
  /** Resolves once the record is on the disk, or will never be. Never throws. */
  readonly add: (record: SpoolRecord) => Promise<WriteOutcome>;
  /** The oldest records not yet acknowledged, in order; none where nothing waits. Damaged ones are set aside. */
  readonly read: (limits: {
    readonly records: number;
    readonly bytes: number;
  }) => Promise<readonly Spooled[]>;
  /** Everything up to this sequence is in the event store for good. */
  readonly acknowledge: (sequence: bigint) => Promise<void>;
  /** Durably keeps what the event store refuses for ever, beside the segments. */
  readonly refuse: (spooled: Spooled, reason: string) => Promise<void>;
  /** Whether a record of the stream waits; where that is not known, it may. */
  readonly holds: (stream: string) => boolean;
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
/** What one flush covers. */
const flushBytes = 8 * 1024 * 1024;
/** A segment in use whose records are all acknowledged is removed from this length on. */
const worthRemovingBytes = 4 * 1024 * 1024;

const refusedName = "refused.ndjson";
/** How soon it is seen that somebody has taken away what was set aside. */
const measureEveryMs = 1_000;

interface Pending {
  readonly stream: string;
  readonly payload: Payload;
  readonly settle: (outcome: WriteOutcome) => void;
}

export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, log, disk = realDisk, now = Date.now, after = realAfter } = options;
  const maxBytes = options.maxBytes ?? 1024 ** 3;
  await disk.makeDirectory(directory);
  const segments = await openSegments({ directory, disk, log });
  let acknowledged = await readCursor(directory, disk);
  const newest = segments.at(-1)?.last ?? 0n;
  let closed = false;
  let pending: Pending[] = [];
  let pendingBytes = 0;
  let flushing: Promise<void> | undefined;
  let removing: Promise<void> | undefined;
  const waiters = new Set<() => void>();
  let handedOut = acknowledged;
  const reader = createReader({ segments, disk, log, after: acknowledged });
  const writer = createWriter({
    directory,
    disk,
    log,
    segments,
    after: newest > acknowledged ? newest : acknowledged,
    segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024,
    onFailed: options.onFailed,
  });

  // They would take up room until the next record has drained, for which there may be none.
  await removeDrained().catch((error) => {
    log.warn({ error: String(error) }, "cannot remove what the spool has drained");
  });
  // What was set aside stays until somebody has looked at it. That it counts keeps it from growing without end: it came
  // out of segments that counted too.
  let asideBytes = await measureAside(directory, disk);
  /** What is being done to what was set aside: one after the other. */
  let refusing: Promise<unknown> = Promise.resolve();
  let measured = { at: now(), damaged: 0 };
  const held = createHeldStreams({ from: acknowledged, to: newest });
  const usedBytes = (): number => segments.reduce((sum, segment) => sum + segment.end, asideBytes);

  function add(record: SpoolRecord): Promise<WriteOutcome> {
    if (writer.state() === "failed") return Promise.resolve("failed");
    const { stream, events } = record;
    const text = JSON.stringify({ at: now(), stream, events });
    const payload = { text, bytes: Buffer.byteLength(text) };
    const bytes = payload.bytes + headerBytes;
    if (
      closed ||
      payload.bytes > maxPayloadBytes ||
      pendingBytes + bytes > maxPendingBytes ||
      usedBytes() + pendingBytes + bytes > maxBytes
    ) {
      return Promise.resolve("full");
    }
    pendingBytes += bytes;
    return new Promise((settle) => {
      pending.push({ stream, payload, settle });
      flushing ??= flushAll();
    });
  }

  /** One flush at a time; what is added meanwhile shares the next one. */
  async function flushAll(): Promise<void> {
    // Records added in the same turn share the first flush already.
    await Promise.resolve();
    while (pending.length > 0) {
      const group = takeGroup();
      const outcome = await writer.write(group.map(({ payload }) => payload));
      if (outcome === "full") await makeRoom();
      const before = writer.sequence() - BigInt(group.length);
      for (const [index, { stream }] of outcome === "spooled" ? group.entries() : [])
        held.added(stream, before + BigInt(index + 1));
      for (const { settle } of group) settle(outcome);
      for (const { payload } of group) pendingBytes -= payload.bytes + headerBytes;
      if (outcome === "spooled") for (const wake of waiters) wake();
    }
    flushing = undefined;
  }

  function takeGroup(): readonly Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { payload } of pending) {
      if (count > 0 && bytes + payload.bytes > flushBytes) break;
      bytes += payload.bytes;
      count += 1;
    }
    const group = pending.slice(0, count);
    pending = pending.slice(count);
    return group;
  }

  async function acknowledge(upTo: bigint): Promise<void> {
    if (upTo <= acknowledged) return;
    acknowledged = upTo;
    held.drained(upTo);
    const current = writer.current();
    if (current !== undefined && flushing === undefined && current.end >= worthRemovingBytes) {
      if (current.last <= upTo) await writer.seal();
    }
    // The segments go first: on a full disk that makes the room for the cursor. One that lags only sends ids again.
    await removeDrained();
    await writeCursor(directory, disk, upTo);
  }

  /** On a full disk a small segment is worth removing too, once the event store has all that is in it. */
  async function makeRoom(): Promise<void> {
    const current = writer.current();
    if (current === undefined || current.last > acknowledged) return;
    await writer.seal();
    await removeDrained().catch((error) => {
      log.warn({ error: String(error) }, "cannot remove what the spool has drained");
    });
  }

  /** One loop at a time: two would take each other's segments off the list. */
  function removeDrained(): Promise<void> {
    const remove = async (): Promise<void> => {
      for (;;) {
        const [first] = segments;
        if (first === undefined || first === writer.current() || first.last > acknowledged) return;
        await disk.remove(first.path);
        segments.shift();
      }
    };
    removing ??= remove().finally(() => {
      removing = undefined;
    });
    return removing;
  }

  async function read(limits: {
    readonly records: number;
    readonly bytes: number;
  }): Promise<readonly Spooled[]> {
    const upTo = writer.sequence();
    await measureAgain();
    const spooled = await reader.read(limits);
    // Where all that is left was damaged and set aside, nothing waits any more.
    if (spooled.length === 0 && handedOut <= acknowledged && reader.isAtEnd()) await acknowledge(upTo);
    handedOut = spooled.at(-1)?.sequence ?? handedOut;
    return spooled;
  }

  /** One after the other: each is written behind the one before it. */
  function refuse({ record, sequence }: Spooled, reason: string): Promise<void> {
    const what = { stream: record.stream, sequence: String(sequence), reason };
    log.error(what, "set aside what the event store refuses");
    // It begins a line of its own also where a crash has cut the one before it short.
    const line = Buffer.from(`\n${JSON.stringify({ reason, ...record })}\n`);
    const kept = refusing.then(async () => {
      await disk.append(join(directory, refusedName), line);
      asideBytes += line.length;
    });
    refusing = kept.catch(() => undefined);
    return kept;
  }

  async function measureAgain(): Promise<void> {
    const isStale = asideBytes > 0 && Math.abs(now() - measured.at) >= measureEveryMs;
    if (!isStale && reader.damaged() === measured.damaged) return;
    measured = { at: now(), damaged: reader.damaged() };
    const measuring = refusing.then(async () => {
      asideBytes = await measureAside(directory, disk);
    });
    // A file went while it was measured, say: nothing depends on the moment.
    refusing = measuring.catch((error) =>
      log.warn({ error: String(error) }, "cannot measure what was set aside of the spool"),
    );
    await refusing;
  }

  const waiting = (): number => Number(writer.sequence() - acknowledged);

  return {
    directory,
    add,
    read,
    holds: held.holds,
    acknowledge,
    refuse,
    changed: (ms) =>
      new Promise((resolve) => {
        const wake = (): void => {
          cancel();
          waiters.delete(wake);
          resolve();
        };
        const cancel = after(ms, wake);
        waiters.add(wake);
      }),
    stats: () => ({
      waiting: waiting(),
      bytes: usedBytes(),
      maxBytes,
      damaged: reader.damaged(),
      oldestAt: waiting() > 0 ? reader.oldestAt() : undefined,
      state: writer.state(),
    }),
    close: async () => {
      closed = true;
      await flushing;
      await writer.seal();
      for (const wake of waiters) wake();
    },
  };
}

async function measureAside(directory: string, disk: Disk): Promise<number> {
  const aside = (await disk.list(directory)).filter(
    ({ name }) => name === refusedName || name.endsWith(".damaged"),
  );
  return aside.reduce((sum, { bytes }) => sum + bytes, 0);
}
