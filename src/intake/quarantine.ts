// A project's quarantine: payloads that were authenticated and could not be read, kept as they came until a source
// reads them. Nothing is ever taken out of it; what became of a payload is one more event.

import type { Page } from "../domain/answers.ts";
import type { ProjectUuid } from "../domain/ids.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import {
  type PayloadQuarantined,
  type QuarantineEvent,
  type QuarantineRedriven,
  quarantineStream,
} from "../domain/quarantine.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { eventId, sha256 } from "./event-id.ts";
import type { ReadStream } from "./event-log.ts";
import { keptHeaders, keptQuery } from "./kept-evidence.ts";
import { type NativeWebhook, textOf } from "./native-payload.ts";
import type { AppendDurably } from "./record-webhook.ts";

export interface QuarantineItem {
  readonly quarantine_id: string;
  readonly source: string;
  readonly reason: string;
  readonly received_at: string;
  readonly content_type: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** As it came; null where its bytes are no text, which `payload_base64` then holds. */
  readonly payload: string | null;
  readonly payload_base64: string | null;
  /** "waiting", or what the last redrive said. */
  readonly state: "waiting" | QuarantineRedriven["outcome"];
  readonly redriven: Pick<
    QuarantineRedriven,
    "source" | "incident_ids" | "ignored" | "reason" | "redriven_at"
  > | null;
}

interface Kept {
  readonly tag: "kept";
  readonly durability: "stored" | "spooled";
  readonly position?: bigint;
}

export type KeepOutcome =
  | (Kept & { readonly quarantine_id: string })
  | { readonly tag: "unavailable"; readonly reason: string }
  | { readonly tag: "too_large" };

export interface KeepContext {
  readonly project_uuid: ProjectUuid;
  readonly key_id: string;
  readonly request_id: string;
}

/** An event store takes a mebibyte in one append; the rest of the event needs some of it. */
const longestEscapedBytes = 900_000;

/** Appends the payload to the project's quarantine; it is kept once the event is durably stored, or spooled. */
export async function keepInQuarantine(
  append: AppendDurably,
  webhook: NativeWebhook,
  reason: string,
  context: KeepContext,
): Promise<KeepOutcome> {
  const text = textOf(webhook.body);
  const base64 = Buffer.from(webhook.body).toString("base64");
  const query = keptQuery(webhook.query);
  const quarantine_id = eventId([
    context.project_uuid,
    webhook.source,
    webhook.received_at,
    sha256(base64),
    JSON.stringify(query),
  ]);
  const data: PayloadQuarantined = {
    project_uuid: context.project_uuid,
    quarantine_id,
    source: webhook.source,
    reason: reason.slice(0, 1_000),
    // Text full of control characters is six times as long once escaped; base64 then keeps it within what fits.
    ...(text === undefined || Buffer.byteLength(JSON.stringify(text)) > longestEscapedBytes
      ? { payload_base64: base64 }
      : { payload: text }),
    ...(webhook.content_type === undefined ? {} : { content_type: webhook.content_type.slice(0, 1_000) }),
    headers: keptHeaders(webhook.headers),
    query,
    received_at: webhook.received_at,
    key_id: context.key_id,
  };
  const outcome = await appendOne(append, context, quarantine_id, { type: "PayloadQuarantined", data });
  return outcome.tag === "kept" ? { ...outcome, quarantine_id } : outcome;
}

/** Appends what a redrive came to. */
export function noteRedrive(
  append: AppendDurably,
  data: QuarantineRedriven,
  context: KeepContext,
): Promise<Exclude<KeepOutcome, { tag: "kept" }> | Kept> {
  const id = eventId([data.quarantine_id, data.outcome, data.redriven_at, sha256(JSON.stringify(data))]);
  return appendOne(append, context, id, { type: "QuarantineRedriven", data });
}

async function appendOne(
  append: AppendDurably,
  context: KeepContext,
  id: string,
  event: QuarantineEvent,
): Promise<Exclude<KeepOutcome, { tag: "kept" }> | Kept> {
  const metadata = {
    $correlationId: context.request_id,
    $causationId: context.request_id,
    source: event.data.source,
    received_at: event.type === "PayloadQuarantined" ? event.data.received_at : event.data.redriven_at,
    key_id: context.key_id,
  };
  const outcome = await append(quarantineStream(context.project_uuid), [{ id, ...event, metadata }], "any");
  switch (outcome.tag) {
    case "appended":
      return {
        tag: "kept",
        durability: "stored",
        ...(outcome.position === undefined ? {} : { position: outcome.position }),
      };
    case "spooled":
      return { tag: "kept", durability: "spooled" };
    case "too_large":
      return { tag: "too_large" };
    case "unavailable":
      return { tag: "unavailable", reason: outcome.reason };
    case "conflict":
      return { tag: "unavailable", reason: "the event store refused the quarantine's state" };
    default:
      return outcome satisfies never;
  }
}

/** The most payload characters that one page holds; a page ends early rather than grow beyond. */
const mostPageCharacters = 4_000_000;

/**
 * One page, oldest first. `cursor` is the page before's `next_cursor`; undefined for a cursor that is none. Reads the
 * stream to its end, since what became of a payload stands behind it. Throws EventLogUnavailable.
 */
export async function listQuarantine(
  readStream: ReadStream,
  project: ProjectUuid,
  page: { readonly limit: number; readonly cursor?: string; readonly state?: QuarantineItem["state"] },
): Promise<Page<QuarantineItem> | undefined> {
  if (page.cursor !== undefined && !/^\d{1,19}$/.test(page.cursor)) return undefined;
  const from = BigInt(page.cursor ?? 0);
  const redriven = await redrivesOf(readStream, project, from);
  const items: QuarantineItem[] = [];
  let characters = 0;
  for await (const event of readStream(quarantineStream(project), { fromRevision: from })) {
    const kept = quarantinedIn(event);
    if (kept === undefined) continue;
    const item = itemOf(kept, redriven.get(kept.quarantine_id));
    if (page.state !== undefined && item.state !== page.state) continue;
    if (items.length === page.limit || (items.length > 0 && characters > mostPageCharacters)) {
      return { items, next_cursor: String(event.revision) };
    }
    items.push(item);
    characters += (kept.payload ?? kept.payload_base64 ?? "").length;
  }
  return { items, next_cursor: null };
}

/** One payload and what became of it; undefined where there is none with this id. Throws EventLogUnavailable. */
export async function findQuarantined(
  readStream: ReadStream,
  project: ProjectUuid,
  quarantineId: string,
): Promise<{ readonly kept: PayloadQuarantined; readonly item: QuarantineItem } | undefined> {
  let kept: PayloadQuarantined | undefined;
  let redriven: QuarantineRedriven | undefined;
  for await (const event of readStream(quarantineStream(project))) {
    const found = quarantinedIn(event);
    if (found?.quarantine_id === quarantineId) kept ??= found;
    const note = redrivenIn(event);
    if (note?.quarantine_id === quarantineId) redriven = later(redriven, note);
  }
  return kept === undefined ? undefined : { kept, item: itemOf(kept, redriven) };
}

/** How many payloads a project's quarantine holds, by state. Throws EventLogUnavailable. */
export async function countQuarantine(
  readStream: ReadStream,
  project: ProjectUuid,
): Promise<Readonly<Record<QuarantineItem["state"], number>>> {
  const states = new Map<string, QuarantineItem["state"]>();
  for await (const event of readStream(quarantineStream(project))) {
    const kept = quarantinedIn(event);
    if (kept !== undefined && !states.has(kept.quarantine_id)) states.set(kept.quarantine_id, "waiting");
    const note = redrivenIn(event);
    if (note !== undefined && states.get(note.quarantine_id) !== "recorded") {
      states.set(note.quarantine_id, note.outcome);
    }
  }
  const counts = { waiting: 0, recorded: 0, ignored: 0, unrecognised: 0 };
  for (const state of states.values()) counts[state] += 1;
  return counts;
}

async function redrivesOf(
  readStream: ReadStream,
  project: ProjectUuid,
  from: bigint,
): Promise<Map<string, QuarantineRedriven>> {
  const notes = new Map<string, QuarantineRedriven>();
  for await (const event of readStream(quarantineStream(project), { fromRevision: from })) {
    const note = redrivenIn(event);
    if (note !== undefined) notes.set(note.quarantine_id, later(notes.get(note.quarantine_id), note));
  }
  return notes;
}

/** The note that counts: the last one, but once something was recorded that stays so. */
const later = (before: QuarantineRedriven | undefined, note: QuarantineRedriven): QuarantineRedriven =>
  before?.outcome === "recorded" ? before : note;

function itemOf(kept: PayloadQuarantined, note: QuarantineRedriven | undefined): QuarantineItem {
  const text = kept.payload ?? textOf(Buffer.from(kept.payload_base64 ?? "", "base64"));
  return {
    quarantine_id: kept.quarantine_id,
    source: kept.source,
    reason: kept.reason,
    received_at: toRfc3339(kept.received_at as Instant),
    content_type: kept.content_type ?? null,
    headers: kept.headers,
    query: kept.query,
    payload: text ?? null,
    payload_base64: text === undefined ? (kept.payload_base64 ?? null) : null,
    state: note?.outcome ?? "waiting",
    redriven:
      note === undefined
        ? null
        : {
            source: note.source,
            incident_ids: note.incident_ids,
            ignored: note.ignored,
            ...(note.reason === undefined ? {} : { reason: note.reason }),
            redriven_at: toRfc3339(note.redriven_at as Instant),
          },
  };
}

/** What lies in the quarantine's stream was written here; an unknown type is of a later version and is passed over. */
const quarantinedIn = (event: RecordedEvent): PayloadQuarantined | undefined =>
  event.type === "PayloadQuarantined" ? (event.data as PayloadQuarantined) : undefined;
const redrivenIn = (event: RecordedEvent): QuarantineRedriven | undefined =>
  event.type === "QuarantineRedriven" ? (event.data as QuarantineRedriven) : undefined;

/** The webhook that a quarantined payload was, to be read again. */
export function webhookOf(kept: PayloadQuarantined, source: string): NativeWebhook {
  return {
    body:
      kept.payload === undefined
        ? Buffer.from(kept.payload_base64 ?? "", "base64")
        : new TextEncoder().encode(kept.payload),
    ...(kept.content_type === undefined ? {} : { content_type: kept.content_type }),
    headers: kept.headers,
    query: kept.query,
    source,
    received_at: kept.received_at as Instant,
  };
}
