// Goes through a segment once, when the spool is opened: where its records lie, what in it is damaged, and what a crash
// has left of a record at its end. Knows nothing of what has drained.

import type { Disk } from "./disk.ts";
import { headerBytes, type RecordFinding, recordAt } from "./record.ts";
import type { Segment, SpoolLog } from "./segments.ts";

export interface FoundRecord {
  readonly sequence: bigint;
  readonly at: number;
  readonly stream: string;
  readonly offset: number;
  readonly length: number;
}

export interface Scan {
  readonly disk: Disk;
  readonly log: SpoolLog;
  /** The newest segment alone may end in a record that was cut short; that is cut off. */
  readonly isNewest: boolean;
  readonly record: (found: FoundRecord) => void;
  readonly damaged: (offset: number, bytes: Buffer) => Promise<void>;
}

/** How much of a segment is read at a time. */
const chunkBytes = 1024 * 1024;

/** Sets the segment's last sequence and end. Throws where it cannot be read. */
export async function scanSegment(segment: Segment, scan: Scan): Promise<void> {
  let start = 0;
  let length = chunkBytes;
  while (start < segment.end) {
    const bytes = await scan.disk.read(segment.path, start, Math.min(length, segment.end - start));
    if (bytes === undefined || bytes.length === 0)
      throw new Error(`Cannot read ${segment.path} at ${start}: it is shorter`);
    const taken = await takeFrom(segment, { bytes, start, atEnd: start + bytes.length >= segment.end }, scan);
    start += taken.bytes;
    length = Math.max(chunkBytes, taken.needed);
  }
}

interface Chunk {
  readonly bytes: Buffer;
  readonly start: number;
  readonly atEnd: boolean;
}

/** How many bytes were gone through, and how many are needed to go on. */
async function takeFrom(
  segment: Segment,
  { bytes, start, atEnd }: Chunk,
  scan: Scan,
): Promise<{ readonly bytes: number; readonly needed: number }> {
  let offset = 0;
  while (offset < bytes.length) {
    const found = recordAt(bytes, offset);
    if (found.tag === "record") {
      const record = recordIn(found, { offset: start + offset, length: found.end - offset });
      if (record === undefined) await scan.damaged(start + offset, bytes.subarray(offset, found.end));
      else scan.record(record);
      if (found.sequence > segment.last) segment.last = found.sequence;
      offset = found.end;
    } else if (!atEnd && (found.tag === "cut_short" || found.next === undefined)) {
      // The chunk ends here, not the segment.
      const end = found.tag === "cut_short" ? (found.end ?? offset + headerBytes) : undefined;
      const needed = end === undefined ? 2 * bytes.length : end - offset;
      return { bytes: offset, needed };
    } else if (found.tag === "damaged" && found.next !== undefined) {
      // It was a record at least.
      segment.last += 1n;
      await scan.damaged(start + offset, bytes.subarray(offset, found.next));
      offset = found.next;
    } else {
      await endOf(segment, { tail: bytes.subarray(offset), offset: start + offset, tag: found.tag }, scan);
      return { bytes: bytes.length, needed: 0 };
    }
  }
  return { bytes: offset, needed: 0 };
}

/** What is behind the last record that can be told. */
async function endOf(
  segment: Segment,
  {
    tail,
    offset,
    tag,
  }: { readonly tail: Buffer; readonly offset: number; readonly tag: RecordFinding["tag"] },
  { disk, log, isNewest, damaged }: Scan,
): Promise<void> {
  if (isNewest && (tag === "cut_short" || tail.every((byte) => byte === 0))) {
    log.warn({ file: segment.path, bytes: tail.length }, "cut off what a crash left of a spool record");
    await disk.truncate(segment.path, offset);
    segment.end = offset;
    return;
  }
  // Its records' numbers stay unused.
  if (isNewest) segment.last += BigInt(tail.length);
  await damaged(offset, tail);
}

const eventsKey = Buffer.from('"events":');

/** Without its events, which may be long; undefined where the payload is none of the spool's. */
function recordIn(
  { sequence, payload }: { readonly sequence: bigint; readonly payload: Buffer },
  place: { readonly offset: number; readonly length: number },
): FoundRecord | undefined {
  try {
    // Within a text its quotes would be escaped.
    const { at, stream } = JSON.parse(`${payload.toString("utf8", 0, payload.indexOf(eventsKey))}"":0}`);
    return typeof stream === "string" ? { sequence, at: Number(at), stream, ...place } : undefined;
  } catch {
    return undefined;
  }
}
