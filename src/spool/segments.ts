// The spool's files: its segments, and the cursor that says what of them has drained. Knows nothing of what is spooled.

import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Disk } from "./disk.ts";

export interface Segment {
  readonly path: string;
  readonly first: bigint;
  /** The last record's sequence; `first - 1n` while there is none. */
  last: bigint;
  /** Everything before this offset is on the disk. */
  end: number;
  /** How many of its records wait; without any its file may go. */
  waiting: number;
}

export interface SpoolLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const segmentName = /^(\d{20})\.spool$/;
const cursorName = "cursor";
const longestCursor = 1024 * 1024;
/** Projects named in a cursor; where more have a backlog, what drained out of turn is sent again after a restart. */
const mostProjects = 1_000;

export const segmentPath = (directory: string, first: bigint): string =>
  join(directory, `${String(first).padStart(20, "0")}.spool`);

/** The segments that are there, in order. What is in them is not known yet. */
export async function listSegments(directory: string, disk: Disk): Promise<Segment[]> {
  return (await disk.list(directory))
    .flatMap(({ name, bytes }) => {
      const first = segmentName.exec(name)?.[1];
      if (first === undefined) return [];
      const path = join(directory, name);
      return [{ path, first: BigInt(first), last: BigInt(first) - 1n, end: bytes, waiting: 0 }];
    })
    .sort((a, b) => (a.first < b.first ? -1 : 1));
}

/** The segment that a record lies in. */
export function segmentOf(segments: readonly Segment[], sequence: number): Segment | undefined {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(segments[middle]?.first) <= sequence) low = middle + 1;
    else high = middle;
  }
  return segments[low - 1];
}

export interface Cursor {
  /** Up to here everything has drained, but for what waits of these projects. */
  readonly upTo: number;
  /** The oldest record that waits, by project. */
  readonly waiting: ReadonlyMap<string, number>;
  /** A position in the event store's log that had been seen by then. */
  readonly position: bigint | undefined;
}

const noCursor: Cursor = { upTo: 0, waiting: new Map(), position: undefined };

export const hasDrained = ({ upTo, waiting }: Cursor, project: string, sequence: number): boolean =>
  sequence <= upTo && sequence < (waiting.get(project) ?? Number.POSITIVE_INFINITY);

/** Where it cannot be read, nothing counts as drained: then it is sent again. */
export async function readCursor(directory: string, disk: Disk): Promise<Cursor> {
  const text = String((await disk.read(join(directory, cursorName), 0, longestCursor)) ?? "");
  const [, json = "", sum = ""] = /^(.*) ([0-9a-f]{8})\n$/.exec(text) ?? [];
  if (json === "" || checkSum(json) !== sum) return noCursor;
  const { up_to, waiting, position } = JSON.parse(json) as CursorFile;
  return {
    upTo: up_to,
    waiting: new Map(Object.entries(waiting)),
    position: position === undefined ? undefined : BigInt(position),
  };
}

interface CursorFile {
  readonly up_to: number;
  readonly waiting: Readonly<Record<string, number>>;
  readonly position?: string;
}

export function writeCursor(directory: string, disk: Disk, cursor: Cursor): Promise<void> {
  const isLong = cursor.waiting.size > mostProjects;
  const file: CursorFile = {
    up_to: isLong ? Math.min(...cursor.waiting.values()) - 1 : cursor.upTo,
    waiting: isLong ? {} : Object.fromEntries(cursor.waiting),
    ...(cursor.position === undefined ? {} : { position: String(cursor.position) }),
  };
  const json = JSON.stringify(file);
  return disk.replace(join(directory, cursorName), Buffer.from(`${json} ${checkSum(json)}\n`));
}

const checkSum = (text: string): string => crc32(text).toString(16).padStart(8, "0");
