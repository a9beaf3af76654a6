// Reads a project's quarantine: page by page, and payload by payload. Remembers where each payload stands and what became
// of it, so that no page and no redrive reads the whole stream; reads what others added before it answers.

import type { Page } from "../answers/field.ts";
import type { QuarantineItem } from "../answers/webhooks.ts";
import type { ProjectUuid } from "../domain/ids.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { type PayloadQuarantined, type QuarantineRedriven, quarantineStream } from "../domain/quarantine.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import type { ReadStream } from "./event-log.ts";
import { textOf } from "./native-payload.ts";

/** All of them throw EventLogUnavailable. */
export interface QuarantineReader {
  /**
   * One page, oldest first. `cursor` is the page before's `next_cursor`; undefined for a cursor that is none.
   */
  readonly list: (
    project: ProjectUuid,
    page: { readonly limit: number; readonly cursor?: string; readonly state?: QuarantineItem["state"] },
  ) => Promise<Page<QuarantineItem> | undefined>;
  /** One payload and what became of it; undefined where there is none with this id. */
  readonly find: (
    project: ProjectUuid,
    quarantineId: string,
  ) => Promise<{ readonly kept: PayloadQuarantined; readonly item: QuarantineItem } | undefined>;
  /** The status words that payloads wait for, by quarantine_id, oldest first. */
  readonly unknownStatuses: (project: ProjectUuid) => Promise<ReadonlyMap<string, string>>;
  /** How many payloads it holds, by state. */
  readonly count: (project: ProjectUuid) => Promise<Readonly<Record<QuarantineItem["state"], number>>>;
}

/** What is remembered of a project's stream. */
interface Known {
  /** Everything before this revision has been read. */
  next: bigint;
  /** Each payload's revision, by id, oldest first. */
  readonly payloads: Map<string, bigint>;
  readonly notes: Map<string, QuarantineRedriven>;
  /** Of payloads that wait for it, oldest first. */
  readonly unknown: Map<string, string>;
  /** Characters, about. */
  size: number;
}

/** The most payload characters that one page holds; a page ends early rather than grow beyond. */
const mostPageCharacters = 4_000_000;
/** The most characters that are remembered, of all projects; those asked for longest ago are forgotten first. */
const mostRemembered = 16_000_000;

export function quarantineReader(readStream: ReadStream, remembered = mostRemembered): QuarantineReader {
  /** The one asked for last comes last. */
  const projects = new Map<ProjectUuid, Known>();
  const reading = new Map<ProjectUuid, Promise<Known>>();

  /** One reading at a time of each project; whoever asks meanwhile waits for the next, which has little left to do. */
  const upToNow = (project: ProjectUuid): Promise<Known> => {
    const before = reading.get(project) ?? Promise.resolve();
    const mine = before.then(
      () => catchUp(project),
      () => catchUp(project),
    );
    reading.set(project, mine);
    const done = (): void => {
      if (reading.get(project) === mine) reading.delete(project);
    };
    mine.then(done, done);
    return mine;
  };
  const catchUp = async (project: ProjectUuid): Promise<Known> => {
    const known = projects.get(project) ?? {
      next: 0n,
      payloads: new Map(),
      notes: new Map(),
      unknown: new Map(),
      size: 0,
    };
    projects.delete(project);
    projects.set(project, known);
    for await (const event of readStream(quarantineStream(project), { fromRevision: known.next })) {
      take(known, event);
    }
    forgetOthers();
    return known;
  };
  const forgetOthers = (): void => {
    let size = [...projects.values()].reduce((sum, known) => sum + known.size, 0);
    for (const [project, known] of projects) {
      if (size <= remembered) return;
      projects.delete(project);
      size -= known.size;
    }
  };

  return {
    list: async (project, page) => {
      if (page.cursor !== undefined && !/^\d{1,19}$/.test(page.cursor)) return undefined;
      const known = await upToNow(project);
      const from = BigInt(page.cursor ?? 0);
      const wanted = new Map<bigint, QuarantineRedriven | undefined>();
      let beyond: bigint | undefined;
      for (const [id, revision] of known.payloads) {
        const note = known.notes.get(id);
        if (revision < from || (page.state !== undefined && stateOf(note) !== page.state)) continue;
        beyond = revision;
        if (wanted.size === page.limit) break;
        wanted.set(revision, note);
        beyond = undefined;
      }
      return readPage(readStream, project, wanted, beyond);
    },
    find: async (project, quarantineId) => {
      const known = await upToNow(project);
      const fromRevision = known.payloads.get(quarantineId);
      if (fromRevision === undefined) return undefined;
      for await (const event of readStream(quarantineStream(project), { fromRevision })) {
        const kept = quarantinedIn(event);
        if (kept?.quarantine_id !== quarantineId) return undefined;
        return { kept, item: itemOf(kept, known.notes.get(quarantineId)) };
      }
      return undefined;
    },
    unknownStatuses: async (project) => new Map((await upToNow(project)).unknown),
    count: async (project) => {
      const { payloads, notes } = await upToNow(project);
      const counts = { waiting: 0, recorded: 0, ignored: 0, unrecognised: 0 };
      for (const id of payloads.keys()) counts[stateOf(notes.get(id))] += 1;
      return counts;
    },
  };
}

/** The payloads at these revisions, which are in order; `beyond` is the first of the next page. */
async function readPage(
  readStream: ReadStream,
  project: ProjectUuid,
  wanted: ReadonlyMap<bigint, QuarantineRedriven | undefined>,
  beyond: bigint | undefined,
): Promise<Page<QuarantineItem>> {
  const items: QuarantineItem[] = [];
  const [fromRevision] = wanted.keys();
  if (fromRevision === undefined) return { items, next_cursor: null };
  let characters = 0;
  for await (const event of readStream(quarantineStream(project), { fromRevision })) {
    const kept = wanted.has(event.revision) ? quarantinedIn(event) : undefined;
    if (kept === undefined) continue;
    if (items.length > 0 && characters > mostPageCharacters) {
      return { items, next_cursor: String(event.revision) };
    }
    items.push(itemOf(kept, wanted.get(event.revision)));
    characters += (kept.payload ?? kept.payload_base64 ?? "").length;
    if (items.length === wanted.size) break;
  }
  return { items, next_cursor: beyond === undefined ? null : String(beyond) };
}

function take(known: Known, event: RecordedEvent): void {
  known.next = event.revision + 1n;
  const kept = quarantinedIn(event);
  if (kept !== undefined && !known.payloads.has(kept.quarantine_id)) {
    known.payloads.set(kept.quarantine_id, event.revision);
    known.size += 100;
    noteUnknown(known, kept.quarantine_id, kept.unknown_status);
  }
  const note = redrivenIn(event);
  if (note === undefined) return;
  const before = known.notes.get(note.quarantine_id);
  // The note that counts is the last one, but once something was recorded that stays so.
  if (before?.outcome === "recorded") return;
  known.notes.set(note.quarantine_id, note);
  noteUnknown(known, note.quarantine_id, note.unknown_status);
  known.size += sizeOf(note) - (before === undefined ? 0 : sizeOf(before));
}

function noteUnknown(known: Known, id: string, status: string | undefined): void {
  known.size += (status?.length ?? 0) - (known.unknown.get(id)?.length ?? 0);
  if (status === undefined) known.unknown.delete(id);
  else known.unknown.set(id, status);
}

const sizeOf = (note: QuarantineRedriven): number =>
  500 + note.incident_ids.reduce((sum, id) => sum + id.length, 0) + (note.reason?.length ?? 0);

const stateOf = (note: QuarantineRedriven | undefined): QuarantineItem["state"] => note?.outcome ?? "waiting";

function itemOf(kept: PayloadQuarantined, note: QuarantineRedriven | undefined): QuarantineItem {
  const text = kept.payload ?? textOf(Buffer.from(kept.payload_base64 ?? "", "base64"));
  return {
    quarantine_id: kept.quarantine_id,
    source: kept.source,
    reason: kept.reason,
    answer:
      kept.answer_status === undefined
        ? null
        : { status: kept.answer_status, error: kept.answer_error ?? "", details: kept.reason },
    received_at: toRfc3339(kept.received_at as Instant),
    content_type: kept.content_type ?? null,
    headers: kept.headers,
    query: kept.query,
    payload: text ?? null,
    payload_base64: text === undefined ? (kept.payload_base64 ?? null) : null,
    signature: kept.signature ?? null,
    state: stateOf(note),
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
