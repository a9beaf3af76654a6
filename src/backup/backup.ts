// Backs up a log while it is written to: the spool first, then the log from where the last backup ended to where the log
// ends now. What is in neither was not acknowledged before the backup began.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { RawEvent, RawLog } from "../eventstore/raw-log.ts";
import { makeDirectory } from "../processes/durable-directory.ts";
import { replaceFile } from "../processes/durable-file.ts";
import {
  BackupDamaged,
  type BackupFile,
  emptyManifest,
  keyNames,
  type Manifest,
  readBackupFile,
  readManifest,
  writeBackupFile,
  writeManifest,
  writeSegment,
} from "./backup-files.ts";
import { damagedType, isOwnEvent } from "./copied-event.ts";

export interface BackupOptions {
  readonly log: RawLog;
  /** Where the backup goes, and where the spool and the keys are. */
  readonly to: string;
  readonly dataDir: string;
  readonly keys: "include" | "leave out";
  readonly progress: (done: {
    readonly events: number;
    readonly position: bigint;
    readonly head: bigint;
  }) => void;
}

export interface BackedUp {
  readonly manifest: Manifest;
  readonly newEvents: number;
}

/** A segment is written when it holds this much; a backup that breaks off goes on behind the last one. */
const segmentLimit = { events: 20_000, bytes: 16 * 1024 * 1024 };

/** Throws BackupDamaged where the directory holds something else, or a backup of another log. */
export async function backUp(options: BackupOptions): Promise<BackedUp> {
  const { log, to } = options;
  makeDirectory(to, 0o700);
  const before = readManifest(to) ?? emptyManifest;
  if (before === emptyManifest && readdirSync(to).some((name) => !/^(service\.|spool-|log$)/.test(name)))
    throw new BackupDamaged(`"${to}" holds files that are no backup. Choose an empty directory.`);
  // What is there already is checked each time: a backup that has rotted must not be found when it is needed.
  for (const file of [...before.segments, ...before.spool]) readBackupFile(to, file);
  mkdirSync(join(to, "log"), { recursive: true, mode: 0o700 });
  await checkSameLog(log, before);
  const spool = copySpool(options);
  // Only now: what drains from the spool meanwhile is in both, and its ids say so.
  const head = (await log.head()) ?? 0n;
  const { manifest: copied, newEvents } = await copyLog(options, before, head);
  // Named only now: until the log is here, what drained since the last backup is in that one's copy of the spool alone.
  const manifest = { ...copied, spool: spool.files, keys: copyKeys(options) };
  writeManifest(to, manifest);
  for (const name of readdirSync(to).filter((entry) => entry.startsWith("spool-")))
    if (name !== spool.name) rmSync(join(to, name), { recursive: true, force: true });
  return { manifest, newEvents };
}

async function copyLog(options: BackupOptions, before: Manifest, head: bigint): Promise<BackedUp> {
  const { log, to } = options;
  let manifest = before;
  let newEvents = 0;
  let gathered: RawEvent[] = [];
  let bytes = 0;
  const write = async (position: bigint): Promise<void> => {
    const segments =
      gathered.length === 0
        ? manifest.segments
        : [...manifest.segments, await writeSegment(to, manifest.segments.length + 1, gathered)];
    const [first] = gathered;
    manifest = {
      ...manifest,
      segments,
      first_event:
        manifest.first_event ??
        (first === undefined ? null : { id: first.id, position: String(first.position) }),
      position: String(position),
    };
    writeManifest(to, manifest);
    gathered = [];
    bytes = 0;
  };
  const last = BigInt(manifest.position);
  if (head > last) {
    for await (const event of log.read(last)) {
      if (event.position > head) break;
      if (event.position <= last) continue;
      if (event.type === damagedType) {
        const damaged_positions = [...manifest.damaged_positions, String(event.position)];
        manifest = { ...manifest, damaged_positions };
      } else if (isOwnEvent(event)) {
        gathered.push(event);
        bytes += event.data.length + event.metadata.length;
        newEvents++;
      }
      if (gathered.length >= segmentLimit.events || bytes >= segmentLimit.bytes) {
        await write(event.position);
        options.progress({ events: newEvents, position: event.position, head });
      }
    }
    await write(head);
  }
  options.progress({ events: newEvents, position: head, head });
  return { manifest, newEvents };
}

/** What was backed up last must lie where it lay. */
async function checkSameLog(log: RawLog, before: Manifest): Promise<void> {
  const newest = before.segments.at(-1);
  if (newest === undefined) return;
  for (const { id, position } of [
    before.first_event,
    { id: newest.last_id, position: newest.last_position },
  ].filter((event) => event !== null)) {
    const found = await eventAt(log, BigInt(position));
    if (found?.id !== id)
      throw new BackupDamaged(
        `This backup is of another log: at position ${position} it has event ${id}, the log has ${found?.id ?? "none"}. Back up into an empty directory.`,
      );
  }
}

async function eventAt(log: RawLog, position: bigint): Promise<RawEvent | undefined> {
  if (((await log.head()) ?? 0n) < position) return undefined;
  for await (const event of log.read(position)) return event.position === position ? event : undefined;
  return undefined;
}

/** Files that are removed meanwhile have been drained. Into a directory of its own: the old copy is good until the end. */
function copySpool({ to, dataDir }: BackupOptions): {
  readonly name: string;
  readonly files: readonly BackupFile[];
} {
  const from = join(dataDir, "spool");
  const name = `spool-${Date.now()}`;
  mkdirSync(join(to, name), { mode: 0o700 });
  const files: BackupFile[] = [];
  for (const file of existsSync(from) ? readdirSync(from).sort() : []) {
    // The cursor says what has been drained already: ids say that better, and without a race.
    if (file === "cursor" || file.endsWith(".new")) continue;
    try {
      files.push(writeBackupFile(to, join(name, file), readFileSync(join(from, file))));
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    }
  }
  return { name, files };
}

function copyKeys({ to, dataDir, keys }: BackupOptions): Manifest["keys"] {
  const copies = join(to, "keys");
  rmSync(copies, { recursive: true, force: true });
  const entries = keyNames.map((name) => {
    const from = join(dataDir, name);
    if (!existsSync(from)) return [name, "not there"];
    if (keys === "leave out") return [name, "left out"];
    mkdirSync(copies, { recursive: true, mode: 0o700 });
    replaceFile(join(copies, name), readFileSync(from, "utf8"));
    return [name, "included"];
  });
  return Object.fromEntries(entries) as Manifest["keys"];
}
