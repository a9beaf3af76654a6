// The two ways a webhook's events are made durable before they are acknowledged. Knows nothing of webhooks.

import { createFairShare } from "../domain/fair-share.ts";
import type { NewEvent } from "../domain/stored-events.ts";
import type { AppendEvents } from "../intake/event-log.ts";
import type { Spool, SpoolRecord } from "./spool.ts";
import { type After, realAfter } from "./timer.ts";

export type Kept =
  /** In the event store. */
  | { readonly tag: "appended"; readonly revision: bigint; readonly position?: bigint }
  /** On this machine's disk, on its way to the event store with the same ids. */
  | { readonly tag: "spooled" }
  /** The event store refuses this size for ever. Nothing is kept. */
  | { readonly tag: "too_large" }
  /** Neither store nor spool takes it now. It may still turn up in the store: send it again with the same ids. */
  | { readonly tag: "unavailable"; readonly reason: string };

export type Keep = (stream: string, events: readonly NewEvent[]) => Promise<Kept>;

/**
 * `ACK=store`: in the event store if it answers within the bound, else on the spool. While a stream has
 * records on the spool, its next ones go there too: so they stay in their order, and a repeat never gets ahead of what
 * it repeats, whose time of receipt is the one that counts. At
 * most `maxInFlight` wait for the store at once, shared fairly among the keys: what a flood has too much of goes to the
 * spool, and the others' events do not queue behind it.
 */
export function storeFirst(options: {
  readonly append: AppendEvents;
  readonly spool: Spool;
  readonly boundMs: number;
  readonly maxInFlight: number;
  readonly after?: After;
}): Keep {
  const inFlight = createFairShare(options.maxInFlight);
  return async (stream, events) => {
    if (options.spool.holds(stream)) {
      const kept = await spoolIt(options.spool, { stream, events });
      if (kept.tag !== "unavailable") return kept;
    }
    const key = events[0]?.metadata.key_id ?? "";
    if (!inFlight.take(key, 1)) return spoolIt(options.spool, { stream, events });
    // Counts until the append itself has ended, also when nobody waits for it any more.
    const ended = (): void => inFlight.give(key, 1);
    const append = options.append(stream, events, "any");
    append.then(ended, ended);
    const outcome = await atMost(append, { ms: options.boundMs, after: options.after ?? realAfter });
    if (outcome.tag === "appended") return outcome;
    if (outcome.tag === "too_large") return { tag: "too_large" };
    // Some or all of them may be there already: the forwarder sorts that out.
    return spoolIt(options.spool, { stream, events });
  };
}

/** `ACK=spool`: on the spool, always. */
export const spoolFirst =
  ({ spool }: { readonly spool: Spool }): Keep =>
  (stream, events) =>
    spoolIt(spool, { stream, events });

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

async function spoolIt(spool: Spool, record: SpoolRecord): Promise<Kept> {
  if (record.events.some(isTooLarge)) return { tag: "too_large" };
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
  append: ReturnType<AppendEvents>,
  { ms, after }: { readonly ms: number; readonly after: After },
): Promise<Awaited<ReturnType<AppendEvents>>> {
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
