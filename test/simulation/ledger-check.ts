// The model of log and spool: what must be true of them after every recovery and at the end, given what senders said and
// what they were promised. Says what is wrong, in words.

import { crc32 } from "node:zlib";
import { incidentStream, type RecordedEvent } from "../../src/domain/stored-events.ts";
import { recordAt } from "../../src/spool/record.ts";
import type { MemoryTables } from "../projections/memory-store.ts";
import { type Promises, readKey } from "./promises.ts";
import type { Webhook } from "./senders.ts";
import type { Commit } from "./simulated-database.ts";
import type { StoredEvent } from "./simulated-store.ts";

export interface Seen {
  readonly log: readonly StoredEvent[];
  readonly commits: readonly Commit[];
  readonly tables: MemoryTables;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly promises: Promises;
  /** What the event store stores once: an id, or each receipt of a webhook. */
  readonly storePromises: "ids_once" | "receipts_once";
  /** The disk itself has changed what it holds: what is lost then must lie there to be found, or have been reported. */
  readonly mayBeDamaged: boolean;
}

/** What must hold at any moment: each promise is kept by the store or by what is on the disk now. */
export function wrongAtRest(seen: Seen): string[] {
  const { log, files, promises } = seen;
  const stored = new Set(log.map(({ event }) => event.id));
  const kept = idsOnDisk(files);
  const there = seen.mayBeDamaged ? [...promises.setAside, ...segmentTexts(files)] : [];
  const lost = [...promises.acknowledged.keys()].filter(
    (id) => !stored.has(id) && !kept.has(id) && !isIn(there, id, promises),
  );
  return [
    ...lost.map((id) => `${id} was acknowledged and is neither in the store nor on the spool`),
    ...wrongInLog(seen),
  ];
}

/** What must hold once all faults are over and everything has drained. */
export function wrongAtTheEnd(seen: Seen): string[] {
  const { log, commits, files, promises } = seen;
  const stored = new Set(log.map(({ event }) => event.id));
  const bodies = new Set(log.map(({ event }) => payloadOf(event)));
  const refused = refusedEvents(files);
  for (const { id, data } of refused) {
    stored.add(id);
    bodies.add(data.payload);
  }
  const lost = [...promises.acknowledged.keys()].filter(
    (id) => !stored.has(id) && !isIn(promises.setAside, id, promises),
  );
  const lostBodies = [...promises.acknowledgedBodies].filter(
    (body) => !bodies.has(body) && !isIn(promises.setAside, body, promises),
  );
  const position = commits.at(-1)?.upTo ?? 0n;
  const newest = log.at(-1)?.event.position ?? 0n;
  return [
    ...lost.map((id) => `${id} was acknowledged and is not in the store`),
    ...lostBodies.map((body) => `acknowledged, but not in the store: ${body}`),
    ...(position === newest ? [] : [`the tables are at ${position}, the log at ${newest}`]),
  ];
}

/**
 * Whether damaged texts hold an acknowledged event or webhook: a flipped bit cannot have changed both the id and the
 * number that the webhook says.
 */
function isIn(damaged: readonly string[], sign: string, { acknowledged }: Promises): boolean {
  if (damaged.length === 0) return false;
  const signs = [...acknowledged].flatMap(([id, { bodies }]) =>
    id === sign || bodies.includes(sign) ? [id, ...bodies.map(numberIn)] : [],
  );
  return damaged.some((text) => signs.some((one) => text.includes(one)));
}

/** "said 12 ": no other webhook says that. */
const numberIn = (body: string): string => /said \d+ |poison \d+ /.exec(body)?.[0] ?? body;

const segmentTexts = (files: ReadonlyMap<string, Buffer>): string[] =>
  [...files].filter(([path]) => path.endsWith(".spool")).map(([, bytes]) => bytes.toString());

/** Nothing twice, nothing invented, nothing changed; times of receipt and the order of what came by the spool kept. */
function wrongInLog({ log, webhooks, promises, storePromises }: Seen): string[] {
  const wrong: string[] = [];
  const ids = new Set<string>();
  const payloads = new Set<string>();
  const forwarded = new Map<string, { readonly life: number; readonly sequence: bigint }[]>();
  for (const { event, by, life } of log) {
    const payload = payloadOf(event);
    const webhook = webhooks.get(payload);
    const received_at = String(event.metadata.received_at);
    const receipt = storePromises === "ids_once" ? "" : String(event.metadata.$correlationId);
    if (ids.has(event.id + receipt) || payloads.has(payload + receipt))
      wrong.push(`${event.id} is in the log twice`);
    const isRepeat = ids.has(event.id);
    ids.add(event.id).add(event.id + receipt);
    payloads.add(payload + receipt);
    if (webhook === undefined) {
      wrong.push(`${event.id} was never sent`);
      continue;
    }
    const { project_uuid, incident_id } = webhook.said;
    if (event.stream !== incidentStream(project_uuid, incident_id))
      wrong.push(`${event.id} lies in ${event.stream}`);
    if (promises.acknowledged.get(event.id)?.bodies.includes(payload) === false)
      wrong.push(`${event.id} was acknowledged for another webhook`);
    if (promises.received.get(payload)?.has(received_at) !== true)
      wrong.push(`${event.id} was not received at ${received_at}`);
    if (by !== "forwarder") continue;
    const record = promises.read.get(readKey(life, event.id, receipt));
    if (record === undefined) {
      wrong.push(`${event.id} was forwarded, but never read`);
      continue;
    }
    if (record.received_at !== received_at)
      wrong.push(`${event.id} was first received at ${record.received_at}, not at ${received_at}`);
    // Whoever forwarded what stands before it must not have had it in hand then. (Numbers of what has drained come again
    // where a crash kept the cursor from being written, so only those of one life can be compared.)
    const before = forwarded.get(event.stream) ?? [];
    // A repeat of what is there says nothing of the order.
    if (
      !isRepeat &&
      before.some(
        (one) =>
          (promises.read.get(readKey(one.life, event.id, receipt))?.sequence ?? one.sequence) < one.sequence,
      )
    )
      wrong.push(`${event.id} was forwarded out of its stream's order`);
    forwarded.set(event.stream, [...before, { life, sequence: record.sequence }]);
  }
  return wrong;
}

export const payloadOf = ({ data }: RecordedEvent): string => (data as { readonly payload: string }).payload;

/** Ids of whole records behind the cursor, and of what is kept as refused: read from the bytes, not by the spool. */
function idsOnDisk(files: ReadonlyMap<string, Buffer>): Set<string> {
  const ids = new Set(refusedEvents(files).map(({ id }) => id));
  const cursor = cursorIn(files.get("/spool/cursor"));
  for (const [path, bytes] of files) {
    if (!path.endsWith(".spool")) continue;
    for (let offset = 0; offset < bytes.length; ) {
      const found = recordAt(bytes, offset);
      if (found.tag === "cut_short" || (found.tag === "damaged" && found.next === undefined)) break;
      if (found.tag === "record") {
        const { stream, events } = JSON.parse(found.payload.toString());
        const hasDrained = found.sequence <= cursor.up_to && !(found.sequence >= waitingFrom(cursor, stream));
        for (const { id } of hasDrained ? [] : events) ids.add(id);
      }
      offset = found.tag === "record" ? found.end : (found.next ?? bytes.length);
    }
  }
  return ids;
}

interface Cursor {
  readonly up_to: number;
  readonly waiting: Readonly<Record<string, number>>;
}

/** A cursor that cannot be read counts as none. */
function cursorIn(bytes: Buffer | undefined): Cursor {
  const [, json = "", sum = ""] = /^(.*) ([0-9a-f]{8})\n$/.exec(String(bytes ?? "")) ?? [];
  const isWhole = json !== "" && crc32(json).toString(16).padStart(8, "0") === sum;
  return isWhole ? JSON.parse(json) : { up_to: 0, waiting: {} };
}

/** Of the stream's project: `incident-<project>.<incident>`. */
const waitingFrom = ({ waiting }: Cursor, stream: string): number =>
  waiting[/-(.*?)\./.exec(stream)?.[1] ?? ""] ?? Number.POSITIVE_INFINITY;

interface Refused {
  readonly id: string;
  readonly data: { readonly payload: string };
}

/** A line that a crash cut short is none. */
function refusedEvents(files: ReadonlyMap<string, Buffer>): readonly Refused[] {
  const kept = [...files].filter(([path]) => path.endsWith("/refused.ndjson"));
  const lines = kept.flatMap(([, bytes]) => bytes.toString().split("\n"));
  return lines.flatMap((line): readonly Refused[] => {
    try {
      return JSON.parse(line).events;
    } catch {
      return [];
    }
  });
}
