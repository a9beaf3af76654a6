// Puts records on the disk, all that come while one flush is under way together with the next. Knows nothing of what
// becomes of them later.

import { projectOfStream } from "../domain/stored-events.ts";
import type { Backlog } from "./backlog.ts";
import { headerBytes, type Payload } from "./record.ts";
import type { SpoolLog } from "./segments.ts";
import type { SegmentWriter, WriteOutcome } from "./writer.ts";

export interface Pending {
  readonly stream: string;
  readonly at: number;
  readonly payload: Payload;
  readonly settle: (outcome: WriteOutcome) => void;
}

export interface GroupFlush {
  readonly add: (pending: Pending) => void;
  readonly pendingBytes: () => number;
  /** Whether a flush is under way. */
  readonly isBusy: () => boolean;
  readonly flushed: () => Promise<void>;
  /** Up to this sequence every record is on the disk and in the backlog, or was once. */
  readonly upTo: () => number;
  /** Called after each flush that put something on the disk. */
  readonly waiters: Set<() => void>;
}

/** What one flush covers. */
const flushBytes = 8 * 1024 * 1024;

export function createGroupFlush(options: {
  readonly writer: SegmentWriter;
  readonly backlog: Backlog;
  readonly lastBefore: bigint;
  readonly removeDrained: () => Promise<void>;
  readonly log: SpoolLog;
}): GroupFlush {
  const { writer, backlog, removeDrained, log } = options;
  const waiters = new Set<() => void>();
  let pending: Pending[] = [];
  let pendingBytes = 0;
  let flushing: Promise<void> | undefined;
  let upTo = Number(options.lastBefore);

  /** One flush at a time; what is added meanwhile shares the next one. */
  async function flushAll(): Promise<void> {
    // Records added in the same turn share the first flush already.
    await Promise.resolve();
    while (pending.length > 0) {
      const group = takeGroup();
      const written = await writer.write(group.map(({ payload }) => payload));
      if (written.tag === "spooled") upTo = noteIn(backlog, group, written);
      else for (const { stream } of group) backlog.release(stream);
      if (written.tag === "full") await makeRoom();
      for (const { settle } of group) settle(written.tag);
      for (const { payload } of group) pendingBytes -= payload.bytes + headerBytes;
      if (written.tag === "spooled") for (const wake of waiters) wake();
    }
    flushing = undefined;
  }

  function takeGroup(): readonly Pending[] {
    const count = countForOne(pending);
    const group = pending.slice(0, count);
    pending = pending.slice(count);
    return group;
  }

  /** On a full disk a small segment is worth removing too, once the event store has all that is in it. */
  async function makeRoom(): Promise<void> {
    if (writer.current()?.waiting !== 0) return;
    await writer.seal();
    await removeDrained().catch((error) => {
      log.warn({ error: String(error) }, "cannot remove what the spool has drained");
    });
  }

  return {
    add: (one) => {
      pendingBytes += one.payload.bytes + headerBytes;
      pending.push(one);
      flushing ??= flushAll();
    },
    pendingBytes: () => pendingBytes,
    isBusy: () => flushing !== undefined,
    flushed: async () => flushing,
    upTo: () => upTo,
    waiters,
  };
}

/** Notes where they lie; the last one's sequence. */
function noteIn(
  backlog: Backlog,
  group: readonly Pending[],
  from: { readonly first: bigint; readonly offset: number },
): number {
  let { offset } = from;
  let sequence = Number(from.first);
  for (const { stream, at, payload } of group) {
    const length = headerBytes + payload.bytes;
    backlog.add({ project: projectOfStream(stream), sequence, at, offset, length });
    offset += length;
    sequence += 1;
  }
  return sequence - 1;
}

/** How many of them one flush covers. */
function countForOne(pending: readonly Pending[]): number {
  let bytes = 0;
  let count = 0;
  for (const { payload } of pending) {
    if (count > 0 && bytes + payload.bytes > flushBytes) break;
    bytes += payload.bytes;
    count += 1;
  }
  return count;
}
