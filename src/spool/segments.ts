// The spool's files: which there are, where each ends, and what is wrong in them. Knows nothing of what is spooled.

import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Disk } from "./disk.ts";
import { recordAt } from "./record.ts";

export interface Segment {
  readonly path: string;
  readonly first: bigint;
  /** The last record's sequence; `first - 1n` while there is none. */
  last: bigint;
  /** Everything before this offset is on the disk. */
  end: number;
}

export interface SpoolLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const segmentName = /^(\d{20})\.spool$/;
const cursorName = "cursor";

export const segmentPath = (directory: string, first: bigint): string =>
  join(directory, `${String(first).padStart(20, "0")}.spool`);

/**
 * The segments that are there, in order, the last one's torn tail cut off. Only the last one is read: the others
 * were whole when it was begun, and are checked when they are forwarded.
 */
export async function openSegments(options: {
  readonly directory: string;
  readonly disk: Disk;
  readonly log: SpoolLog;
}): Promise<Segment[]> {
  const { directory, disk, log } = options;
  const found = (await disk.list(directory))
    .flatMap(({ name, bytes }) => {
      const first = segmentName.exec(name)?.[1];
      return first === undefined ? [] : [{ path: join(directory, name), first: BigInt(first), end: bytes }];
    })
    .sort((a, b) => (a.first < b.first ? -1 : 1));
  const segments: Segment[] = found.map((segment, index) => ({
    ...segment,
    last: (found[index + 1]?.first ?? segment.first) - 1n,
  }));
  const newest = segments.at(-1);
  if (newest !== undefined) await cutTornTail(newest, { disk, log });
  // Begun and never written to: its name is that of the next one, and nobody else may be removing it then.
  if (newest?.end === 0) {
    await disk.remove(newest.path);
    segments.pop();
  }
  return segments;
}

/** Finds the newest segment's last record and cuts off what a crash left behind it. */
async function cutTornTail(
  segment: Segment,
  { disk, log }: { readonly disk: Disk; readonly log: SpoolLog },
): Promise<void> {
  const bytes = (await disk.read(segment.path, 0, segment.end)) ?? Buffer.alloc(0);
  let offset = 0;
  while (offset < bytes.length) {
    const found = recordAt(bytes, offset);
    if (found.tag === "record") {
      segment.last = found.sequence;
      offset = found.end;
    } else if (found.tag === "damaged" && found.next !== undefined) {
      // It was a record at least: the reader is to come here, and to report it.
      segment.last += 1n;
      offset = found.next;
    } else if (found.tag === "cut_short" || bytes.subarray(offset).every((byte) => byte === 0)) {
      log.warn(
        { file: segment.path, bytes: bytes.length - offset },
        "cut off what a crash left of a spool record",
      );
      await disk.truncate(segment.path, offset);
      segment.end = offset;
      return;
    } else {
      // Damage up to the end: kept, for the reader to report and set aside. Its records' numbers stay unused.
      segment.last += BigInt(bytes.length - offset);
      return;
    }
  }
}

/** The sequence up to which everything is in the event store; 0 where that is not known: then it is sent again. */
export async function readCursor(directory: string, disk: Disk): Promise<bigint> {
  const text = String((await disk.read(join(directory, cursorName), 0, 64)) ?? "");
  const [, sequence = "", sum = ""] = /^(\d{1,20}) ([0-9a-f]{8})\n$/.exec(text) ?? [];
  return sequence !== "" && checkSum(sequence) === sum ? BigInt(sequence) : 0n;
}

export const writeCursor = (directory: string, disk: Disk, sequence: bigint): Promise<void> =>
  disk.replace(join(directory, cursorName), Buffer.from(`${sequence} ${checkSum(String(sequence))}\n`));

const checkSum = (text: string): string => crc32(text).toString(16).padStart(8, "0");
