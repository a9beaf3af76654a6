// Appends many events to one stream at once without ever storing one twice. A store that recognises ids looks at the
// first one of an append to a stream in any state only, and would store the others again; so what the stream holds is
// looked at, and the append names the revision that was seen. Knows nothing of files.

import type { NewEvent } from "../domain/stored-events.ts";
import type { AppendEvents, ExpectedRevision, ReadStream } from "../intake/event-log.ts";

export type Together =
  /** All of them are stored, now or before. */
  | { readonly tag: "stored" }
  /** The store does not answer; some may be stored. */
  | { readonly tag: "later"; readonly reason: string }
  /** They have to go one by one: too large together, a stream too long to look at, or one that others write to. */
  | { readonly tag: "one_by_one" };

export type AppendTogether = (stream: string, events: readonly NewEvent[]) => Promise<Together>;

/** The longest stream that is looked at. */
const longestStream = 20_000;
/** Ids of streams remembered, so that a long stream is read once and not for every append. */
const mostIds = 50_000;
/** How often others may come in between. */
const mostTries = 3;

interface Seen {
  last: ExpectedRevision;
  readonly ids: Set<string>;
}

/** For one forwarder: streams are remembered until others take their room. */
export function appendingTogether(append: AppendEvents, readStream: ReadStream): AppendTogether {
  const remembered = new Map<string, Seen>();
  let idsRemembered = 0;

  const forget = (stream: string): void => {
    idsRemembered -= remembered.get(stream)?.ids.size ?? 0;
    remembered.delete(stream);
  };
  const remember = (stream: string, seen: Seen): void => {
    remembered.set(stream, seen);
    idsRemembered += seen.ids.size;
    for (const oldest of remembered.keys()) {
      if (idsRemembered <= mostIds) break;
      forget(oldest);
    }
  };

  return async (stream, events) => {
    // Most incidents are new: that is tried before anything is read.
    const seen: Seen = remembered.get(stream) ?? { last: "no_stream", ids: new Set() };
    forget(stream);
    for (let tries = 0; tries < mostTries; tries++) {
      const missing = withoutRepeats(events).filter(({ id }) => !seen.ids.has(id));
      if (missing.length > 0) {
        const outcome = await append(stream, missing, seen.last);
        if (outcome.tag === "unavailable") return { tag: "later", reason: outcome.reason };
        if (outcome.tag === "too_large") return { tag: "one_by_one" };
        if (outcome.tag === "conflict") {
          if (!(await look(readStream, stream, seen))) return { tag: "one_by_one" };
          continue;
        }
        seen.last = outcome.revision;
        for (const { id } of missing) seen.ids.add(id);
      }
      remember(stream, seen);
      return { tag: "stored" };
    }
    return { tag: "one_by_one" };
  };
}

/** Adds what the stream holds behind what was seen; false where that is too much, or cannot be read. */
async function look(readStream: ReadStream, stream: string, seen: Seen): Promise<boolean> {
  try {
    const fromRevision = typeof seen.last === "bigint" ? seen.last + 1n : 0n;
    for await (const { id, revision } of readStream(stream, { fromRevision })) {
      seen.last = revision;
      seen.ids.add(id);
      if (seen.ids.size > longestStream) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function withoutRepeats(events: readonly NewEvent[]): readonly NewEvent[] {
  const first = new Map<string, NewEvent>();
  for (const event of events) if (!first.has(event.id)) first.set(event.id, event);
  return [...first.values()];
}
