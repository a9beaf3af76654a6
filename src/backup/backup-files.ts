// What a backup's directory holds: the log in compressed segments, copies of the spool and the keys, and the list of it
// all with check sums. Knows the format, no event store.
//
//   backup.json      the list; what it does not name is not part of the backup
//   log/N.ndjson.zst one event a line, in the log's order
//   spool-TIME/      the spool's files as they were just before the log was read
//   keys/            only where they were asked for

import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { CommandError, exitCodes } from "../command-line.ts";
import type { RawEvent } from "../eventstore/raw-log.ts";
import { flushDirectory } from "../processes/durable-directory.ts";
import { replaceFile } from "../processes/durable-file.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

export interface BackupFile {
  /** From the backup's directory. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface LogSegment extends BackupFile {
  readonly events: number;
  readonly first_position: string;
  readonly last_position: string;
  readonly last_id: string;
}

export const keyNames = ["admin-key", "secrets-key"] as const;

export interface Manifest {
  readonly format: 1;
  /** The log's own first event, by which another log is told from this one. */
  readonly first_event: { readonly id: string; readonly position: string } | null;
  readonly segments: readonly LogSegment[];
  /** The log is here up to this position. */
  readonly position: string;
  /** Events that the store could not read any more. They are listed by their position, and not restored. */
  readonly damaged_positions: readonly string[];
  readonly spool: readonly BackupFile[];
  readonly keys: Readonly<Record<(typeof keyNames)[number], "included" | "left out" | "not there">>;
}

export const emptyManifest: Manifest = {
  format: 1,
  first_event: null,
  segments: [],
  position: "0",
  damaged_positions: [],
  spool: [],
  keys: { "admin-key": "left out", "secrets-key": "left out" },
};

/** Something in the directory is not as it was written. */
export class BackupDamaged extends CommandError {
  override readonly name = "BackupDamaged";
  override readonly exitCode = exitCodes.verification;
}

const manifestIn = (directory: string): string => join(directory, "backup.json");

/** Undefined where the directory holds no backup. Throws BackupDamaged. */
export function readManifest(directory: string): Manifest | undefined {
  if (!existsSync(manifestIn(directory))) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(manifestIn(directory), "utf8")) as Manifest;
    if (manifest.format === 1 && Array.isArray(manifest.segments)) return manifest;
  } catch {
    // Said below.
  }
  throw new BackupDamaged(
    `Cannot read "${manifestIn(directory)}": it is not the list of a backup of format 1.`,
  );
}

export const writeManifest = (directory: string, manifest: Manifest): void =>
  replaceFile(manifestIn(directory), `${JSON.stringify(manifest, null, 2)}\n`);

/** On the disk for good, and read back, once it resolves. Throws BackupDamaged where it comes back otherwise. */
export async function writeSegment(
  directory: string,
  number: number,
  events: readonly RawEvent[],
): Promise<LogSegment> {
  const file = `log/${String(number).padStart(8, "0")}.ndjson.zst`;
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) throw new Error("A segment holds at least one event.");
  const written = writeBackupFile(directory, file, await compress(Buffer.from(events.map(lineOf).join(""))));
  const segment = {
    ...written,
    events: events.length,
    first_position: String(first.position),
    last_position: String(last.position),
    last_id: last.id,
  };
  await readSegment(directory, segment);
  return segment;
}

/** Throws BackupDamaged where the file is not the one that was written. */
export async function readSegment(directory: string, segment: LogSegment): Promise<readonly RawEvent[]> {
  const text = (await decompress(readBackupFile(directory, segment))).toString();
  const events = text.split("\n").slice(0, -1).map(eventOf);
  const last = events.at(-1);
  if (events.length !== segment.events || last?.id !== segment.last_id)
    throw new BackupDamaged(`"${join(directory, segment.file)}" does not hold the events that it should.`);
  return events;
}

export function writeBackupFile(directory: string, file: string, bytes: Uint8Array): BackupFile {
  const path = join(directory, file);
  const handle = openSync(path, "w", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  flushDirectory(dirname(path));
  return { file, bytes: bytes.length, sha256: sha256(bytes) };
}

/** Throws BackupDamaged where it is missing or changed. */
export function readBackupFile(directory: string, { file, bytes, sha256: sum }: BackupFile): Buffer {
  const path = join(directory, file);
  if (!existsSync(path)) throw new BackupDamaged(`"${path}" is missing.`);
  const content = readFileSync(path);
  if (content.length !== bytes || sha256(content) !== sum)
    throw new BackupDamaged(`"${path}" is not what was written: its check sum differs.`);
  return content;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

interface Line extends Pick<RawEvent, "stream" | "id" | "type"> {
  readonly position: string;
  readonly revision: string;
  readonly json: boolean;
  /** Units of 100 ns since 1970. */
  readonly created: string;
  /** Text where the bytes are UTF-8, so that a backup can be read without this program; else base64. */
  readonly data: string | { readonly base64: string };
  readonly metadata: string | { readonly base64: string };
}

function lineOf(event: RawEvent): string {
  const { stream, id, type } = event;
  const line: Line = {
    position: String(event.position),
    stream,
    revision: String(event.revision),
    id,
    type,
    json: event.isJson,
    created: String(event.created),
    data: textOf(event.data),
    metadata: textOf(event.metadata),
  };
  return `${JSON.stringify(line)}\n`;
}

function eventOf(text: string): RawEvent {
  const line = JSON.parse(text) as Line;
  return {
    stream: line.stream,
    id: line.id,
    type: line.type,
    isJson: line.json,
    position: BigInt(line.position),
    revision: BigInt(line.revision),
    created: BigInt(line.created),
    data: bytesOf(line.data),
    metadata: bytesOf(line.metadata),
  };
}

function textOf(bytes: Uint8Array): Line["data"] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString();
  return Buffer.from(text).equals(buffer) ? text : { base64: buffer.toString("base64") };
}

const bytesOf = (text: Line["data"]): Buffer =>
  typeof text === "string" ? Buffer.from(text) : Buffer.from(text.base64, "base64");
