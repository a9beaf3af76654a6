// Writes to the log: all that arrives while one flush is under way shares the next. Nothing is answered before its flush.

import { decideAppend, decideEachOnce, type Expected } from "./append-rules.ts";
import { type EventFile, type ProposedEvent, type StoredStream, tombstoneRevision } from "./event-file.ts";
import { isFull } from "./open-file.ts";
import { metadataStreamOf, readStreamMetadata, streamOfMetadata } from "./stream-metadata.ts";
import { WaitingWrites } from "./waiting-writes.ts";

export type Write =
  | {
      readonly tag: "append";
      readonly stream: string;
      readonly expected: Expected;
      readonly events: readonly ProposedEvent[];
      /** How ids are looked for: as EventStoreDB does it, or each of them. */
      readonly looksFor: "first_id" | "each_id";
      /** In ms since 1970; Infinity: none. What waits longer is not written. */
      readonly deadlineMs: number;
    }
  | { readonly tag: "delete" | "tombstone"; readonly stream: string; readonly expected: Expected };

export type Written =
  /** `last`: the stream's newest revision that this write stands for; undefined where the stream has no events. */
  | { readonly tag: "written"; readonly last: number | undefined; readonly position: number }
  | { readonly tag: "wrong_version"; readonly actual: number | undefined }
  | { readonly tag: "deleted" }
  | { readonly tag: "late" }
  /** The disk is full. */
  | { readonly tag: "busy" };

export interface Writer {
  readonly write: (write: Write) => Promise<Written>;
  /** Undefined while there is room for more; otherwise resolves when there is again. */
  readonly room: () => Promise<void> | undefined;
  /** Called after each flush that moved the log on. */
  onFlushed: () => void;
  /** Brings the file up to its journal, between flushes. */
  readonly writeBack: () => void;
  /** Resolves when nothing waits any more. */
  readonly drained: () => Promise<void>;
}

/** `onBroken` is called where a flush failed in a way after which nothing may be acknowledged any more. */
export function startWriter(file: EventFile, onBroken: (error: Error) => void): Writer {
  const waiting = new WaitingWrites();
  let scheduled = false;
  let idle: (() => void)[] = [];

  const flush = (): void => {
    scheduled = false;
    const batch = waiting.next();
    const head = file.head;
    let results: Written[];
    try {
      file.begin();
      const now = Date.now();
      results = batch.map(({ write }) => apply(file, write, now));
      file.commit();
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      if (!isFull(reason)) {
        onBroken(reason);
        return;
      }
      // Nothing of it is stored. Room may come back, so the store stays up and says that it is busy.
      file.rollback(head);
      results = batch.map(() => ({ tag: "busy" }));
    }
    for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? { tag: "busy" });
    if (file.head !== head) writer.onFlushed();
    if (!waiting.isEmpty) schedule();
    else {
      for (const resolve of idle) resolve();
      idle = [];
    }
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const writer: Writer = {
    write: (write) =>
      new Promise((resolve) => {
        waiting.add(write, resolve);
        schedule();
      }),
    room: () => waiting.room(),
    onFlushed: () => {},
    writeBack: () => writeBack(file, onBroken),
    drained: () =>
      waiting.isEmpty && !scheduled ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)),
  };
  return writer;
}

function writeBack(file: EventFile, onBroken: (error: Error) => void): void {
  try {
    file.writeBack();
  } catch (error) {
    // Without room it is tried again later: the journal holds everything.
    if (!isFull(error)) onBroken(error instanceof Error ? error : new Error(String(error)));
  }
}

function apply(file: EventFile, write: Write, now: number): Written {
  if (write.tag === "append" && write.deadlineMs <= now) return { tag: "late" };
  const stream = file.stream(write.stream);
  const state = {
    last: stream?.last ?? -1,
    tombstoned: stream?.tombstoned ?? false,
    softDeleted: stream?.truncateBefore === Number.POSITIVE_INFINITY,
    hasMetadata: stream?.hasMetadata ?? false,
  };
  const events = write.tag === "append" ? write.events : [];
  const contents = {
    revisionOf: (id: Uint8Array) => (stream === undefined ? undefined : file.revisionOf(stream, id)),
    idAt: (revision: number) => (stream === undefined ? undefined : file.idAt(stream, revision)),
  };
  const decide = write.tag === "append" && write.looksFor === "each_id" ? decideEachOnce : decideAppend;
  const decision = decide(
    write.expected,
    state,
    contents,
    events.map(({ id }) => id),
  );
  switch (decision.tag) {
    case "deleted":
      return { tag: "deleted" };
    case "wrong_version":
      return wrongVersion(state);
    case "stored_before": {
      const position = stream === undefined ? undefined : file.positionAt(stream, decision.last);
      return { tag: "written", last: decision.last, position: position ?? file.head };
    }
    case "write_some":
      return append(
        file,
        write.stream,
        stream,
        events.filter((_, place) => decision.places.includes(place)),
      );
    case "write":
      break;
    default:
      return decision satisfies never;
  }
  switch (write.tag) {
    case "append":
      return append(file, write.stream, stream, write.events);
    case "delete":
      if (state.last < 0 && !state.hasMetadata) return wrongVersion(state);
      return softDelete(file, write.stream);
    case "tombstone":
      return tombstone(file, write.stream);
    default:
      return write satisfies never;
  }
}

const wrongVersion = (state: { last: number }): Written => ({
  tag: "wrong_version",
  actual: state.last < 0 ? undefined : state.last,
});

function append(
  file: EventFile,
  name: string,
  found: StoredStream | undefined,
  events: readonly ProposedEvent[],
): Written {
  // An append of nothing checks the revision and leaves no trace.
  if (events.length === 0) {
    return {
      tag: "written",
      last: found === undefined || found.last < 0 ? undefined : found.last,
      position: file.head,
    };
  }
  const stream = found ?? file.makeStream(name);
  if (stream.truncateBefore === Number.POSITIVE_INFINITY) {
    // A deleted stream comes back with its numbering going on; what was deleted stays hidden.
    setMetadata(file, name, { $tb: stream.last + 1 });
    stream.truncateBefore = stream.last + 1;
  }
  const created = Date.now() * 1000;
  let position = file.head;
  for (const event of events) {
    stream.last++;
    position = file.add(stream, stream.last, event, created);
    if (event.type === "$metadata") applyMetadata(file, name, event);
  }
  file.saveStream(stream);
  return { tag: "written", last: stream.last, position };
}

function softDelete(file: EventFile, name: string): Written {
  setMetadata(file, name, { $tb: "deleted" });
  return { tag: "written", last: file.stream(name)?.last, position: file.head };
}

function tombstone(file: EventFile, name: string): Written {
  const stream = file.stream(name) ?? file.makeStream(name);
  const event = {
    id: crypto.getRandomValues(new Uint8Array(16)),
    type: "$streamDeleted",
    isJson: true,
    data: Buffer.from("{}"),
    metadata: new Uint8Array(),
  };
  stream.tombstoned = true;
  const position = file.add(stream, tombstoneRevision, event, Date.now() * 1000);
  file.saveStream(stream);
  return { tag: "written", last: stream.last, position };
}

/** Writes a `$metadata` event as EventStoreDB does for deletes: the same settings with another `$tb`. */
function setMetadata(file: EventFile, name: string, change: { $tb: number | "deleted" }): void {
  const stream = file.stream(name);
  const settings = {
    ...(stream?.maxCount === undefined ? {} : { $maxCount: stream.maxCount }),
    ...(stream?.maxAge === undefined ? {} : { $maxAge: stream.maxAge }),
  };
  const $tb = change.$tb === "deleted" ? "9223372036854775807" : String(change.$tb);
  const inner = JSON.stringify(settings).slice(1, -1);
  append(file, metadataStreamOf(name), file.stream(metadataStreamOf(name)), [
    {
      id: crypto.getRandomValues(new Uint8Array(16)),
      type: "$metadata",
      isJson: true,
      data: Buffer.from(`{${inner}${inner === "" ? "" : ","}"$tb":${$tb}}`),
      metadata: new Uint8Array(),
    },
  ]);
}

/** What a `$metadata` event in `$$name` says takes effect on `name`. */
function applyMetadata(file: EventFile, metadataStream: string, event: ProposedEvent): void {
  const name = streamOfMetadata(metadataStream);
  const settings = name === undefined ? undefined : readStreamMetadata(event.data);
  if (name === undefined || settings === undefined) return;
  const stream = file.stream(name) ?? file.makeStream(name);
  stream.hasMetadata = true;
  stream.truncateBefore = settings.truncateBefore;
  stream.maxCount = settings.maxCount;
  stream.maxAge = settings.maxAge;
  file.saveStream(stream);
}
