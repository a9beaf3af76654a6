// Writes the spool's segments: a group of records at a time, each group flushed before it counts. Knows nothing of
// what the records hold. Decides what an error of the disk means: no room now, or never to be trusted again.

import { type Disk, isNoSpace, type WritableFile } from "./disk.ts";
import { encodeRecords, type Payload } from "./record.ts";
import { type Segment, type SpoolLog, segmentPath } from "./segments.ts";

/** `spooled`: on the disk. `full`: no room now, nothing kept. `failed`: the disk cannot be trusted any more. */
export type WriteOutcome = "spooled" | "full" | "failed";

export type WrittenGroup =
  /** One behind the other, from this sequence and this offset in its segment on. */
  | { readonly tag: "spooled"; readonly first: bigint; readonly offset: number }
  | { readonly tag: "full" | "failed" };

export interface SegmentWriter {
  /** One call at a time. */
  readonly write: (payloads: readonly Payload[]) => Promise<WrittenGroup>;
  /** The last record's sequence. */
  readonly sequence: () => bigint;
  readonly state: () => "working" | "full" | "failed";
  /** The segment written to now; it must stay. */
  readonly current: () => Segment | undefined;
  /** Ends the current segment; the next record begins another. Not while a write is under way. */
  readonly seal: () => Promise<void>;
}

interface Open {
  readonly segment: Segment;
  readonly file: WritableFile;
}

export function createWriter(options: {
  readonly directory: string;
  readonly disk: Disk;
  readonly log: SpoolLog;
  /** The spool's own list; a new segment is added at its end. */
  readonly segments: Segment[];
  readonly after: bigint;
  readonly segmentBytes: number;
  readonly onFailed: (error: unknown) => void;
}): SegmentWriter {
  const { directory, disk, log, segments, segmentBytes } = options;
  let sequence = options.after;
  let state: "working" | "full" | "failed" = "working";
  let current: Open | undefined;

  async function write(payloads: readonly Payload[]): Promise<WrittenGroup> {
    if (state === "failed") return { tag: "failed" };
    const first = sequence + 1n;
    const bytes = encodeRecords(first, payloads);
    const open = await begun();
    if (open === undefined) return { tag: "full" };
    const { segment, file } = open;
    const offset = segment.end;
    try {
      await file.write(bytes, segment.end);
    } catch (error) {
      return { tag: await takeBack(open, error) };
    }
    try {
      await file.flush();
    } catch (error) {
      // After a failed flush nobody knows what is on the disk, and asking again may report a false success.
      return { tag: fail(error) };
    }
    if (state === "full") log.info({}, "the spool has room again");
    state = "working";
    sequence += BigInt(payloads.length);
    segment.last = sequence;
    segment.end += bytes.length;
    segment.waiting += payloads.length;
    if (segment.end >= segmentBytes) await seal();
    return { tag: "spooled", first, offset };
  }

  async function begun(): Promise<Open | undefined> {
    try {
      if (current === undefined) await begin();
    } catch (error) {
      // Nothing that was acknowledged is touched by a segment that cannot be begun.
      noRoom(error);
    }
    return current;
  }

  async function begin(): Promise<void> {
    const first = sequence + 1n;
    const path = segmentPath(directory, first);
    const file = await disk.create(path);
    const segment: Segment = { path, first, last: sequence, end: 0, waiting: 0 };
    // At the same moment: what is in the list and is not written to may be removed.
    segments.push(segment);
    current = { segment, file };
  }

  /** Leaves no half record where a write failed. */
  async function takeBack({ segment, file }: Open, error: unknown): Promise<"full" | "failed"> {
    try {
      await file.truncate(segment.end);
    } catch (failure) {
      return fail(failure);
    }
    return isNoSpace(error) ? noRoom(error) : fail(error);
  }

  async function seal(): Promise<void> {
    const file = current?.file;
    current = undefined;
    await file?.close().catch((error) => log.warn({ error: String(error) }, "cannot close a spool segment"));
  }

  function noRoom(error: unknown): "full" {
    if (state !== "full") log.error({ error: String(error) }, "the spool cannot be written to for now");
    state = "full";
    return "full";
  }

  function fail(error: unknown): "failed" {
    state = "failed";
    log.error({ error: String(error) }, "the spool's disk has failed: nothing more is acknowledged");
    // Whatever it does, those who wait are answered.
    queueMicrotask(() => options.onFailed(error));
    return "failed";
  }

  return { write, sequence: () => sequence, state: () => state, current: () => current?.segment, seal };
}
