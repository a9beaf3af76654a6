// Finds out which events of a stream are in the event store already, where they may have been sent before. Reads the
// stream backwards, no further than to the position in the log that was known before any of them was sent: so it depends
// neither on how long the stream is, nor on any clock.

import type { NewEvent } from "../domain/stored-events.ts";
import type { ReadBackwards } from "../intake/event-log.ts";
import type { Spooled } from "./reader.ts";

/** A record of the spool on its way. */
export interface Sending {
  readonly spooled: Spooled;
  /** What of it is not known to be stored. */
  events: readonly NewEvent[];
  /**
   * Where it may have been sent before: the position behind which it lies then, and whether it was this process that sent
   * it ("now") or an earlier one. Undefined: it was not sent.
   */
  doubt: { readonly after: bigint; readonly when: "earlier" | "now" } | undefined;
  isRefused: boolean;
}

/** What is known of a stream; -1: it has no events. */
export interface KnownStream {
  /** The newest revision at the first look: what comes behind it this process has sent, and knows. */
  lookedFrom: bigint | undefined;
  /** The newest revision, as far as it is known. */
  last: bigint | undefined;
}

/** Takes out of these records of one stream what is stored, and their doubt. Throws EventLogUnavailable. */
export async function lookBack(
  readBackwards: ReadBackwards,
  {
    stream,
    records,
    known,
  }: { readonly stream: string; readonly records: readonly Sending[]; readonly known: KnownStream },
): Promise<void> {
  const doubtful = records.filter(({ doubt }) => doubt !== undefined);
  const missing = new Set(doubtful.flatMap(({ events }) => events.map(({ id }) => id)));
  const stored = new Set<string>();
  let after = doubtful[0]?.doubt?.after ?? -1n;
  for (const { doubt } of doubtful) if (doubt !== undefined && doubt.after < after) after = doubt.after;
  const isEarlier =
    known.lookedFrom !== undefined && doubtful.every(({ doubt }) => doubt?.when === "earlier");
  const from = isEarlier ? known.lookedFrom : undefined;
  let newest = -1n;
  if (from === undefined || from >= 0n) {
    for await (const event of readBackwards(stream, from === undefined ? {} : { fromRevision: from })) {
      if (event.revision > newest) newest = event.revision;
      if (event.position <= after) break;
      if (missing.delete(event.id)) stored.add(event.id);
      if (missing.size === 0) break;
    }
  }
  if (from === undefined) known.last = newest;
  known.lookedFrom ??= newest;
  // Not of those that have come meanwhile.
  for (const record of doubtful) {
    record.doubt = undefined;
    record.events = record.events.filter(({ id }) => !stored.has(id));
  }
}
