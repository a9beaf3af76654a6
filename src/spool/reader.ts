// Reads records from where they lie on the disk, checking each. What is damaged is never handed out.

import type { Place } from "./backlog.ts";
import type { Disk } from "./disk.ts";
import { recordAt } from "./record.ts";
import { type Segment, segmentOf } from "./segments.ts";
import type { SpoolRecord } from "./spool.ts";

export interface Spooled {
  readonly sequence: bigint;
  /** When it was spooled, in epoch milliseconds. */
  readonly at: number;
  /** What it takes on the disk. */
  readonly bytes: number;
  readonly record: SpoolRecord;
}

export type ReadPlace =
  | { readonly tag: "record"; readonly place: Place; readonly spooled: Spooled }
  | { readonly tag: "damaged"; readonly place: Place; readonly segment: Segment; readonly bytes: Buffer };

/** What lies between two records is read along rather than passed over, up to this much. */
const gapBytes = 16 * 1024;
const chunkBytes = 1024 * 1024;

/**
 * In the order of their sequences, up to where the disk does not answer: the fault shows again with the next call. Throws
 * where not one of them can be read.
 */
export async function readPlaces(
  places: readonly Place[],
  { segments, disk }: { readonly segments: readonly Segment[]; readonly disk: Disk },
): Promise<readonly ReadPlace[]> {
  const read: ReadPlace[] = [];
  const inOrder = [...places].sort((a, b) => a.sequence - b.sequence);
  for (const run of runsOf(inOrder, segments)) {
    try {
      read.push(...(await readRun(run, disk)));
    } catch (error) {
      if (read.length === 0) throw error;
      break;
    }
  }
  return read;
}

async function readRun({ segment, run }: Run, disk: Disk): Promise<readonly ReadPlace[]> {
  const start = run[0]?.offset ?? 0;
  const end = run.at(-1);
  const bytes = await disk.read(segment.path, start, (end?.offset ?? 0) + (end?.length ?? 0) - start);
  if (bytes === undefined) throw new Error(`Cannot read ${segment.path}: it is not there`);
  return run.map((place) => {
    const own = bytes.subarray(place.offset - start, place.offset - start + place.length);
    const spooled = decode(own);
    return spooled === undefined
      ? { tag: "damaged", place, segment, bytes: own }
      : { tag: "record", place, spooled };
  });
}

interface Run {
  readonly segment: Segment;
  readonly run: Place[];
}

/** Records of one segment that lie close together. */
function runsOf(places: readonly Place[], segments: readonly Segment[]): readonly Run[] {
  const runs: Run[] = [];
  for (const place of places) {
    const segment = segmentOf(segments, place.sequence);
    if (segment === undefined)
      throw new Error(`Cannot read record ${place.sequence}: its segment is not there`);
    const open = runs.at(-1);
    const [first, last] = [open?.run[0], open?.run.at(-1)];
    const isNear =
      open?.segment === segment &&
      first !== undefined &&
      last !== undefined &&
      place.offset - (last.offset + last.length) <= gapBytes &&
      place.offset + place.length - first.offset <= chunkBytes;
    if (isNear) open?.run.push(place);
    else runs.push({ segment, run: [place] });
  }
  return runs;
}

function decode(bytes: Buffer): Spooled | undefined {
  const found = recordAt(bytes, 0);
  if (found.tag !== "record") return undefined;
  try {
    const { at, ...record } = JSON.parse(found.payload.toString());
    return typeof record.stream === "string" && Array.isArray(record.events)
      ? { sequence: found.sequence, at: Number(at), bytes: bytes.length, record }
      : undefined;
  } catch {
    return undefined;
  }
}
