// The port through which intake reaches the event store. Knows nothing of the client behind it.

import type { NewEvent, RecordedEvent } from "../domain/stored-events.ts";

/** What the stream must look like for the append to happen: anything, nothing yet, or exactly this last revision. */
export type ExpectedRevision = "any" | "no_stream" | bigint;

export type AppendOutcome =
  /** Durably stored, now or (same ids) before. `position` is absent where the store did not say. */
  | { readonly tag: "appended"; readonly revision: bigint; readonly position?: bigint }
  /** The stream was not as expected. Nothing was written. */
  | { readonly tag: "conflict" }
  /** The store refuses this size for ever. Nothing was written. */
  | { readonly tag: "too_large" }
  /**
   * Not acknowledged within the bound: it may or may not be stored. Safe to send again with the same ids.
   * `unsent`: it certainly is not stored, because it was not even tried.
   */
  | { readonly tag: "unavailable"; readonly reason: string; readonly unsent?: true };

/**
 * Never throws for what the store or the network does; those are outcomes. With "any", ids that the stream holds already
 * are not stored again: by the embedded store never, by EventStoreDB as long as it remembers the first one of the append.
 */
export type AppendEvents = (
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
) => Promise<AppendOutcome>;

export type DurableOutcome =
  | AppendOutcome
  /** On this machine's disk, on its way to the event store with the same ids. */
  | { readonly tag: "spooled" };

/**
 * Makes events durable: in the event store, or on this machine's disk. What is "unavailable" may still turn up in the
 * store: send it again with the same ids. A plain append is one.
 */
export type AppendDurably = (
  stream: string,
  events: readonly NewEvent[],
  expected: "any",
) => Promise<DurableOutcome>;

/** Reads one stream forwards from a revision; yields nothing where the stream does not exist. Throws EventLogUnavailable. */
export type ReadStream = (
  stream: string,
  options?: { fromRevision?: bigint },
) => AsyncIterable<RecordedEvent>;

/** Reads one stream backwards from its end, or from a revision on; otherwise like ReadStream. */
export type ReadBackwards = (
  stream: string,
  options?: { fromRevision?: bigint },
) => AsyncIterable<RecordedEvent>;

/**
 * Follows one stream from its start for ever, resuming by itself after every drop, each event once and in order.
 * `caughtUp` is called each time everything stored has been handed over. Returns the function that stops it.
 */
export type FollowStream = (
  stream: string,
  handlers: {
    readonly event: (event: RecordedEvent) => void;
    readonly caughtUp: () => void;
    readonly dropped: (reason: string) => void;
  },
) => () => Promise<void>;

/** The event store could not be read (down, frozen, refused). */
export class EventLogUnavailable extends Error {
  override readonly name = "EventLogUnavailable";
}
