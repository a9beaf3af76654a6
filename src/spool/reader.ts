// Reads the spool's records in order, from the disk, checking each. What is damaged is set aside, never handed out.

import type { Disk } from "./disk.ts";
import { headerBytes, recordAt } from "./record.ts";
import type { Segment, SpoolLog } from "./segments.ts";
import type { SpoolRecord } from "./spool.ts";

export interface Spooled {
  readonly sequence: bigint;
  /** When it was spooled, in epoch milliseconds. */
  readonly at: number;
  readonly record: SpoolRecord;
}

export interface Reader {
  /** Each record is handed out once, as often as the reader is made anew. None only where nothing more is there. */
  readonly read: (limits: {
    readonly records: number;
    readonly bytes: number;
  }) => Promise<readonly Spooled[]>;
  /** Whether everything that is on the disk has been handed out or set aside. */
  readonly isAtEnd: () => boolean;
  readonly damaged: () => number;
  /** When the record last handed out first was spooled. */
  readonly oldestAt: () => number | undefined;
}

/** How much of a segment is read at a time. */
const chunkBytes = 1024 * 1024;

/** `segments` is the spool's own list: segments are added at its end and removed from its start. */
export function createReader(options: {
  readonly segments: readonly Segment[];
  readonly disk: Disk;
  readonly log: SpoolLog;
  readonly after: bigint;
}): Reader {
  const { segments, disk, log } = options;
  let last = options.after;
  let place: { readonly path: string; offset: number } | undefined;
  let damaged = 0;
  let oldestAt: number | undefined;

  /** The segment to read from next, the offset in it being `place.offset`; at its end only where none follows. */
  function segmentHere(): Segment | undefined {
    const known = segments.findIndex(({ path }) => path === place?.path);
    let here = known >= 0 ? known : segments.findIndex((segment) => segment.last > last);
    let offset = known >= 0 ? (place?.offset ?? 0) : 0;
    // Also one that is empty hands over to the next: a loss of power may leave a name and none of what was not flushed.
    while (offset >= (segments[here]?.end ?? offset + 1) && segments[here + 1] !== undefined) {
      here += 1;
      offset = 0;
    }
    const segment = segments[here];
    if (segment !== undefined) place = { path: segment.path, offset };
    return segment;
  }

  async function read(limits: {
    readonly records: number;
    readonly bytes: number;
  }): Promise<readonly Spooled[]> {
    const spooled: Spooled[] = [];
    let bytesTaken = 0;
    // What hands out nothing (acknowledged before the start, damaged) counts for nothing: an empty answer says that
    // nothing waits any more, and the segments go.
    while (spooled.length === 0 || (spooled.length < limits.records && bytesTaken < limits.bytes)) {
      const segment = segmentHere();
      if (segment === undefined || place === undefined || place.offset >= segment.end) break;
      try {
        const bytes = await readFrom(segment, place.offset, chunkBytes);
        spooled.push(...(await takeFrom(segment, bytes, limits.records - spooled.length)));
        bytesTaken += bytes.length;
      } catch (error) {
        // What was read before must be handed out now; the fault shows again with the next call.
        if (spooled.length === 0) throw error;
        break;
      }
    }
    oldestAt = spooled[0]?.at ?? oldestAt;
    return spooled;
  }

  /** Hands out the records in the bytes at `place`, and moves `place` behind them. */
  async function takeFrom(segment: Segment, bytes: Buffer, most: number): Promise<readonly Spooled[]> {
    const taken: Spooled[] = [];
    const aside: { readonly offset: number; readonly bytes: Buffer }[] = [];
    const start = place?.offset ?? 0;
    const atEnd = start + bytes.length >= segment.end;
    let reached = last;
    let offset = 0;
    while (offset < bytes.length && taken.length < most) {
      const found = recordAt(bytes, offset);
      if (found.tag === "record") {
        const spooled = decode(found);
        if (spooled === undefined)
          aside.push({ offset: start + offset, bytes: bytes.subarray(offset, found.end) });
        else if (found.sequence > reached) taken.push(spooled);
        if (found.sequence > reached) reached = found.sequence;
        offset = found.end;
      } else if (!atEnd && (found.tag === "cut_short" || found.next === undefined)) {
        // The chunk ends here, not the segment.
        if (offset > 0) break;
        const needed = found.tag === "cut_short" ? (found.end ?? headerBytes) : Number.POSITIVE_INFINITY;
        return takeFrom(segment, await readFrom(segment, start, Math.max(needed, 2 * bytes.length)), most);
      } else {
        const end = found.tag === "damaged" && found.next !== undefined ? found.next : bytes.length;
        aside.push({ offset: start + offset, bytes: bytes.subarray(offset, end) });
        offset = end;
      }
    }
    // Nothing has moved before this point: a fault until here leaves the next call everything.
    last = reached;
    if (place !== undefined) place.offset = start + offset;
    for (const piece of aside) await setAside(segment, piece.offset, piece.bytes);
    return taken;
  }

  async function readFrom(segment: Segment, offset: number, length: number): Promise<Buffer> {
    const bytes = await disk.read(segment.path, offset, Math.min(length, segment.end - offset));
    if (bytes === undefined || bytes.length === 0)
      throw new Error(`Cannot read ${segment.path} at ${offset}: it is shorter`);
    return bytes;
  }

  async function setAside(segment: Segment, offset: number, bytes: Buffer): Promise<void> {
    damaged += 1;
    const file = `${segment.path}.${offset}.damaged`;
    const what = { file, segment: segment.path, offset, bytes: bytes.length };
    log.error(what, "set aside damaged bytes of the spool");
    try {
      await disk.replace(file, bytes);
    } catch (error) {
      // Waiting for room here would keep the good records behind it from draining, which is what makes room.
      log.error({ ...what, error: String(error) }, "cannot keep damaged bytes of the spool");
    }
  }

  function isAtEnd(): boolean {
    const segment = segmentHere();
    return segment === undefined || (place !== undefined && place.offset >= segment.end);
  }

  return { read, isAtEnd, damaged: () => damaged, oldestAt: () => oldestAt };
}

function decode(found: { readonly sequence: bigint; readonly payload: Buffer }): Spooled | undefined {
  try {
    const { at, ...record } = JSON.parse(found.payload.toString());
    return typeof record.stream === "string" && Array.isArray(record.events)
      ? { sequence: found.sequence, at: Number(at), record }
      : undefined;
  } catch {
    return undefined;
  }
}
