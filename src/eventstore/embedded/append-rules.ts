// What an append does, decided from what the stream holds: the expected-revision and idempotency rules of EventStoreDB.
// Pure but for the questions it asks of the stream.

/** What a writer expects of the stream: any state, no events yet, some events, or exactly this last revision. */
export type Expected = "any" | "no_stream" | "stream_exists" | number;

export interface StreamState {
  /** Revision of the newest event; -1 where there never was one. */
  readonly last: number;
  readonly tombstoned: boolean;
  /** Deleted in a way that a later append undoes. */
  readonly softDeleted: boolean;
  readonly hasMetadata: boolean;
}

export interface StreamContents {
  /** Revision of an event with this id in the stream. */
  readonly revisionOf: (id: Uint8Array) => number | undefined;
  readonly idAt: (revision: number) => Uint8Array | undefined;
}

export type AppendDecision =
  | { readonly tag: "write" }
  /** Only the events at these places. */
  | { readonly tag: "write_some"; readonly places: readonly number[] }
  /** These events are there already; nothing is written. */
  | { readonly tag: "stored_before"; readonly last: number }
  | { readonly tag: "wrong_version" }
  | { readonly tag: "deleted" };

/**
 * Source of the rules: EventStoreDB's own answers. Only ids are compared, never contents. Where the original remembers
 * ids for `any` and `stream_exists` in memory only, here they are looked up in the stream, so a retry is recognised
 * however late it comes.
 */
export function decideAppend(
  expected: Expected,
  state: StreamState,
  contents: StreamContents,
  ids: readonly Uint8Array[],
): AppendDecision {
  if (state.tombstoned) return { tag: "deleted" };
  switch (expected) {
    case "stream_exists":
      if (state.softDeleted) return { tag: "deleted" };
      if (state.last < 0 && !state.hasMetadata) return { tag: "wrong_version" };
      return decideByIds(contents, ids);
    case "any":
      return decideByIds(contents, ids);
    case "no_stream":
      if (state.last < 0 || state.softDeleted) return { tag: "write" };
      return decideBehind(-1, contents, ids);
    default:
      if (expected === state.last) return { tag: "write" };
      return expected > state.last ? { tag: "wrong_version" } : decideBehind(expected, contents, ids);
  }
}

function decideByIds(contents: StreamContents, ids: readonly Uint8Array[]): AppendDecision {
  const [first] = ids;
  if (first === undefined || contents.revisionOf(first) === undefined) return { tag: "write" };
  let last = -1;
  for (const id of ids) {
    const revision = contents.revisionOf(id);
    if (revision === undefined) return { tag: "wrong_version" };
    last = revision;
  }
  return { tag: "stored_before", last };
}

/**
 * A rule of our own beside the original's: what is expected counts first, and then each id is stored once in a stream,
 * wherever it stands in an append.
 */
export function decideEachOnce(
  expected: Expected,
  state: StreamState,
  contents: StreamContents,
  ids: readonly Uint8Array[],
): AppendDecision {
  if (expected !== "any" || state.tombstoned || ids.length === 0) {
    const decision = decideAppend(expected, state, contents, ids);
    if (decision.tag !== "write" || ids.length === 0) return decision;
  }
  return withoutKnown(contents, ids);
}

function withoutKnown(contents: StreamContents, ids: readonly Uint8Array[]): AppendDecision {
  const places: number[] = [];
  const seen = new Set<string>();
  let last = -1;
  for (const [place, id] of ids.entries()) {
    const revision = contents.revisionOf(id);
    const key = Buffer.from(id.buffer, id.byteOffset, id.length).toString("latin1");
    if (revision !== undefined) last = Math.max(last, revision);
    else if (!seen.has(key)) places.push(place);
    seen.add(key);
  }
  if (places.length === ids.length) return { tag: "write" };
  return places.length === 0 ? { tag: "stored_before", last } : { tag: "write_some", places };
}

/** The writer expects an older revision: fine only where exactly these events follow it already. */
function decideBehind(
  expected: number,
  contents: StreamContents,
  ids: readonly Uint8Array[],
): AppendDecision {
  if (ids.length === 0) return { tag: "wrong_version" };
  for (const [index, id] of ids.entries()) {
    const stored = contents.idAt(expected + 1 + index);
    if (stored === undefined || Buffer.compare(stored, id) !== 0) return { tag: "wrong_version" };
  }
  return { tag: "stored_before", last: expected + ids.length };
}
