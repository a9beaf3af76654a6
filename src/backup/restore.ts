// Restores a backup into an empty store: every event with its id, in the log's order, then what was still on the spool.
// Broken off, it goes on where it was when it is run again: what is there already is recognised by id and place.

import type { RawEvent, RawLog } from "../eventstore/raw-log.ts";
import { recordAt } from "../spool/record.ts";
import { type Manifest, readBackupFile, readSegment } from "./backup-files.ts";
import { copiedMetadata, firstCreated, isOwnEvent } from "./copied-event.ts";

export interface RestoreOptions {
  readonly log: RawLog;
  readonly from: string;
  readonly manifest: Manifest;
  /** Only what was recorded up to this time, in epoch milliseconds; undefined: all, and what was spooled. */
  readonly untilMs: number | undefined;
  readonly progress: (done: { readonly events: number; readonly of: number }) => void;
}

export interface Restored {
  readonly events: number;
  /** Of the spool, and not in the log. */
  readonly spooled: number;
  /** Records of the spool that cannot be read. */
  readonly damagedInSpool: number;
}

/** The store holds something else already, or it does not take what it should. */
export class NotRestored extends Error {
  override readonly name = "NotRestored";
}

/** Appends under way at once; they are answered in the order in which they were sent. */
const atOnce = 128;
/** Below the 1 MiB that event stores take in one append by default. */
const appendBytes = 512 * 1024;
const appendEvents = 200;

/** Throws BackupDamaged, before anything is written, where a file of the backup is not as it was written. */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { log, from, manifest, untilMs, progress } = options;
  for (const file of [...manifest.segments, ...manifest.spool]) readBackupFile(from, file);
  await checkEmpty(log, from, manifest);
  const of = manifest.segments.reduce((sum, { events }) => sum + events, 0);
  const spooled = untilMs === undefined ? readSpool(from, manifest) : { records: [], damaged: 0 };
  const missing = new Map(
    spooled.records.flatMap(({ stream, events }) => events.map((event) => [event.id, stream])),
  );
  const writer = orderedWriter(log);
  let events = 0;
  copying: for (const segment of manifest.segments) {
    for (const event of await readSegment(from, segment)) {
      if (untilMs !== undefined && firstCreated(event) > (BigInt(untilMs) + 1n) * 10_000n - 1n) break copying;
      await writer.add({ ...event, metadata: copiedMetadata(event) });
      missing.delete(event.id);
      events++;
    }
    await writer.settle();
    progress({ events, of });
  }
  await writer.settle();
  let added = 0;
  for (const { stream, events: records } of spooled.records) {
    for (const event of records.filter(({ id }) => missing.has(id))) {
      missing.delete(event.id);
      await writer.add({ ...toRaw(event), stream });
      added++;
    }
  }
  await writer.settle();
  progress({ events: events + added, of: events + added });
  return { events, spooled: added, damagedInSpool: spooled.damaged };
}

/** A store is empty where it holds nothing of a ledger's, or the beginning of this very restore. */
async function checkEmpty(log: RawLog, from: string, manifest: Manifest): Promise<void> {
  if ((await log.head()) === undefined) return;
  for await (const event of log.read(0n)) {
    if (!isOwnEvent(event)) continue;
    const segment = manifest.segments[0];
    const first = segment === undefined ? undefined : (await readSegment(from, segment))[0];
    if (first?.id === event.id && Buffer.compare(copiedMetadata(first), event.metadata) === 0) return;
    throw new NotRestored(
      `The event store is not empty: stream "${event.stream}" has events already. Restore into an empty one.`,
    );
  }
}

type Part = Pick<RawEvent, "stream" | "id" | "type" | "isJson" | "data" | "metadata">;

/** Appends in order, neighbours of one stream together, each behind what its own stream was given before. */
function orderedWriter(log: RawLog) {
  const lengths = new Map<string, bigint>();
  let together: Part[] = [];
  let bytes = 0;
  let underWay: Promise<void>[] = [];

  const send = (): void => {
    const events = together;
    const stream = events[0]?.stream;
    together = [];
    bytes = 0;
    if (stream === undefined) return;
    const behind = (lengths.get(stream) ?? 0n) - 1n;
    lengths.set(stream, behind + 1n + BigInt(events.length));
    underWay.push(
      log.append(stream, behind, events).then((outcome) => {
        if (outcome.tag === "appended") return;
        throw outcome.tag === "conflict"
          ? new NotRestored(
              `Stream "${stream}" of the event store holds other events than the backup. Restore into an empty one.`,
            )
          : new Error(`The event store broke off: ${outcome.reason}. Run this again to go on.`);
      }),
    );
  };
  const settle = async (): Promise<void> => {
    send();
    const waited = underWay;
    underWay = [];
    // All of them, so that none is left whose failure would be nobody's.
    const failed = (await Promise.allSettled(waited)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  };
  return {
    add: async (part: Part): Promise<void> => {
      const size = part.data.length + part.metadata.length;
      const fits =
        together[0]?.stream === part.stream && together.length < appendEvents && bytes + size <= appendBytes;
      if (!fits) send();
      together.push(part);
      bytes += size;
      if (underWay.length >= atOnce) await settle();
    },
    settle,
  };
}

interface SpooledEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

function readSpool(
  from: string,
  manifest: Manifest,
): {
  readonly records: readonly { readonly stream: string; readonly events: readonly SpooledEvent[] }[];
  readonly damaged: number;
} {
  const records: { stream: string; events: SpooledEvent[] }[] = [];
  let damaged = 0;
  for (const file of manifest.spool.filter(({ file }) => file.endsWith(".spool"))) {
    const bytes = readBackupFile(from, file);
    for (let offset = 0; offset < bytes.length; ) {
      const found = recordAt(bytes, offset);
      // Copied while it was written: what follows was not acknowledged then, or is in the log.
      if (found.tag === "cut_short") break;
      if (found.tag === "record") {
        const { stream, events } = JSON.parse(found.payload.toString()) as (typeof records)[number];
        records.push({ stream, events });
        offset = found.end;
        continue;
      }
      if (!bytes.subarray(offset).every((byte) => byte === 0)) damaged++;
      if (found.next === undefined) break;
      offset = found.next;
    }
  }
  return { records, damaged };
}

const toRaw = (event: SpooledEvent): Omit<Part, "stream"> => ({
  id: event.id,
  type: event.type,
  isJson: true,
  data: Buffer.from(JSON.stringify(event.data)),
  metadata: Buffer.from(JSON.stringify(event.metadata)),
});
