// Reads what the global log holds now under given stream prefixes, once, from its start to its end.
// The client can read the whole log only unfiltered, so this is a filtered subscription that ends when it has caught up.

import type { RecordedEvent } from "../domain/stored-events.ts";
import { EventLogUnavailable } from "../intake/event-log.ts";
import type { FollowLogOptions, LogBatch } from "./follow-log.ts";

/**
 * Throws EventLogUnavailable when the store cannot be read or the reading is cut off. A reading that is returned from
 * ends at once, also while it waits for its next event.
 */
export type ReadLog = (options: {
  readonly prefixes: readonly string[];
}) => AsyncGenerator<RecordedEvent, void, undefined>;

export function createReadLog(
  followLog: (options: FollowLogOptions) => AsyncIterable<LogBatch>,
  head: () => Promise<bigint | undefined>,
): ReadLog {
  async function* read(
    prefixes: readonly string[],
    stopping: AbortController,
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    const end = await head();
    if (end === undefined) return;
    let cutOff: string | undefined;
    const batches = followLog({
      from: undefined,
      prefixes,
      maxEvents: 500,
      maxWaitMs: 100,
      signal: stopping.signal,
      // A reader that was cut off is told so; it is for the caller to begin again.
      dropped: (reason) => {
        cutOff = reason;
        stopping.abort();
      },
    });
    try {
      for await (const batch of batches) {
        for (const event of batch.events) if (event.position <= end) yield event;
        if (batch.caughtUp || batch.upTo >= end) return;
      }
    } finally {
      stopping.abort();
    }
    if (cutOff !== undefined) throw new EventLogUnavailable(`Cannot read the event store: ${cutOff}`);
  }

  return ({ prefixes }) => {
    const stopping = new AbortController();
    const reading = read(prefixes, stopping);
    const end = reading.return.bind(reading);
    // A generator's own return waits for the step under way, and the next event may be far.
    reading.return = (value) => {
      stopping.abort();
      return end(value);
    };
    return reading;
  };
}
