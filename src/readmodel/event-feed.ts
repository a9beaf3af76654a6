// The port through which the projector is fed. Knows nothing of the client behind it.

import type { RecordedEvent } from "../domain/stored-events.ts";

/** A run of events in log order. `upTo` is safe to store as checkpoint once `events` are stored. */
export interface FeedBatch {
  readonly events: readonly RecordedEvent[];
  readonly upTo: bigint;
  /** Whether the feed has handed over everything the store held when the batch was cut. */
  readonly caughtUp: boolean;
}

/**
 * Follows the global log after `from` (exclusive; undefined: from the start), only streams with the given prefixes,
 * resuming by itself after every drop, each event once and in order. Pull-based: the next batch is cut when asked for,
 * of at most `maxEvents` (fewer where they are very large), after at most `maxWaitMs` from its first event. A batch may
 * hold no events and still move `upTo` (a stretch of the log that matched nothing). Ends when `signal` aborts.
 */
export type FollowLog = (options: {
  readonly from: bigint | undefined;
  readonly prefixes: readonly string[];
  readonly maxEvents: number;
  readonly maxWaitMs: number;
  readonly signal: AbortSignal;
  readonly dropped: (reason: string) => void;
}) => AsyncIterable<FeedBatch>;

/** The commit position of the newest event in the whole log; undefined where the log is empty. */
export type HeadPosition = () => Promise<bigint | undefined>;

/**
 * Reads one stream forwards from a revision; yields nothing where the store does not hold it any more. Throws where the
 * store cannot be read now.
 */
export type ReadStreamFrom = (
  stream: string,
  from: { readonly fromRevision: bigint },
) => AsyncIterable<RecordedEvent>;
