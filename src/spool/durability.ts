// The two ways a webhook's events are made durable before they are acknowledged. Knows nothing of webhooks.

import { createFairShare } from "../domain/fair-share.ts";
import type { NewEvent } from "../domain/stored-events.ts";
import type { AppendEvents, AppendOutcome, DurableOutcome } from "../intake/event-log.ts";
import type { Spool, SpoolRecord } from "./spool.ts";
import { type After, realAfter } from "./timer.ts";

type Keep = (stream: string, events: readonly NewEvent[]) => Promise<DurableOutcome>;

/**
 * `ACK=store`: in the event store if it answers within the bound, else on the spool. While a stream has records on the
 * spool, its next ones go there too: so they stay in their order, and a repeat never gets ahead of what it repeats, whose
 * time of receipt is the one that counts. At most `maxInFlight` wait for the store at once, shared fairly among the keys:
 * what a flood has too much of goes to the spool, and the others' events do not queue behind it.
 */
export function storeFirst(options: {
  readonly append: AppendEvents;
  readonly spool: Spool;
  readonly boundMs: number;
  readonly maxInFlight: number;
  readonly after?: After;
}): Keep {
  const { spool, boundMs, after = realAfter } = options;
  const inFlight = createFairShare(options.maxInFlight);

  return async (stream, events) => {
    if (events.some(isTooLarge)) return { tag: "too_large" };
    const record = recordOf(spool, stream, events);
    if (spool.holds(stream)) {
      const outcome = await spoolIt(spool, record);
      if (outcome.tag === "spooled") return outcome;
    }
    const key = events[0]?.metadata.key_id ?? "";
    if (!inFlight.take(key, 1)) return spoolIt(spool, record);
    // Counts until the append itself has ended, also when nobody waits for it any more.
    const ended = (): void => inFlight.give(key, 1);
    const append = options.append(stream, events, "any");
    append.then(ended, ended);
    const outcome = await atMost(append, { ms: boundMs, after });
    switch (outcome.tag) {
      case "appended":
        if (outcome.position !== undefined) spool.notePosition(outcome.position);
        return outcome;
      case "too_large":
        return { tag: "too_large" };
      case "conflict":
        return spoolIt(spool, { ...record, sent: true });
      case "unavailable":
        return spoolIt(spool, outcome.unsent === true ? record : { ...record, sent: true });
      default:
        return outcome satisfies never;
    }
  };
}

/** `ACK=spool`: on the spool, always. */
export const spoolFirst =
  ({ spool }: { readonly spool: Spool }): Keep =>
  async (stream, events) =>
    events.some(isTooLarge) ? { tag: "too_large" } : spoolIt(spool, recordOf(spool, stream, events));

/** The position is noted before anything is sent: whatever becomes of these events lies behind it. */
function recordOf(spool: Spool, stream: string, events: readonly NewEvent[]): SpoolRecord {
  const position = spool.position();
  return { stream, events, ...(position === undefined ? {} : { after: String(position) }) };
}

/** What event stores take in one append by default, and the embedded one always. */
const mostEventBytes = 1024 * 1024;
/** Beside the type: what a store counts for an event that holds nothing. */
const eventOverheadBytes = 64;
/** What a character may become in JSON. */
const mostBytesOfCharacter = 6;

/** Acknowledged from the spool it would be refused by the store later, for ever. Cheap for what is ordinary. */
function isTooLarge({ type, data, metadata }: NewEvent): boolean {
  let characters = 0;
  for (const value of Object.values(data)) {
    characters += typeof value === "string" ? value.length : (JSON.stringify(value) ?? "").length;
  }
  if (characters * mostBytesOfCharacter < mostEventBytes / 2) return false;
  const bytes = Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata));
  return bytes + type.length + eventOverheadBytes > mostEventBytes;
}

async function spoolIt(spool: Spool, record: SpoolRecord): Promise<DurableOutcome> {
  const outcome = await spool.add(record);
  switch (outcome) {
    case "spooled":
      return { tag: "spooled" };
    case "full":
      return { tag: "unavailable", reason: "the event store does not answer and the spool has no room" };
    case "failed":
      return { tag: "unavailable", reason: "the spool's disk has failed" };
    default:
      return outcome satisfies never;
  }
}

function atMost(
  append: Promise<AppendOutcome>,
  { ms, after }: { readonly ms: number; readonly after: After },
): Promise<AppendOutcome> {
  return new Promise((resolve) => {
    const late = (reason: string): void => resolve({ tag: "unavailable", reason });
    const settle = after(ms, () => late(`no answer within ${ms} ms`));
    append.then(
      (outcome) => {
        settle();
        resolve(outcome);
      },
      (error) => {
        settle();
        late(String(error));
      },
    );
  });
}
