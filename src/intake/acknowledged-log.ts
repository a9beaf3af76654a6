// How far the event store's log goes with what this process has acknowledged, and with what earlier ones had before it
// began. Knows no client and no spool.

import type { AppendEvents, ReadBackwards } from "./event-log.ts";

export interface AcknowledgedLog {
  readonly append: AppendEvents;
  readonly readBackwards: ReadBackwards;
  /**
   * A position at or behind which lies every event that was stored through `append`, or found through `readBackwards`,
   * when it was called. Throws EventLogUnavailable where the store has to be asked for it and does not answer.
   */
  readonly acknowledgedUpTo: () => Promise<bigint>;
}

/** Both functions as they are given, their positions noted. `head` is the position of the log's newest event. */
export function acknowledgedLog(log: {
  readonly append: AppendEvents;
  readonly readBackwards: ReadBackwards;
  readonly head: () => Promise<bigint | undefined>;
}): AcknowledgedLog {
  let upTo = 0n;
  /** How often something was stored at a position that nobody told; at first, what was stored before this process. */
  let untold = 1;
  /** How many of these lie before `upTo` for certain. */
  let covered = 0;
  const note = (position: bigint): void => {
    if (position > upTo) upTo = position;
  };

  return {
    append: async (...call) => {
      const outcome = await log.append(...call);
      if (outcome.tag !== "appended") return outcome;
      if (outcome.position === undefined) untold += 1;
      else note(outcome.position);
      return outcome;
    },
    readBackwards: async function* (...call) {
      for await (const event of log.readBackwards(...call)) {
        note(event.position);
        yield event;
      }
    },
    acknowledgedUpTo: async () => {
      const before = untold;
      if (before > covered) {
        note((await log.head()) ?? 0n);
        covered = Math.max(covered, before);
      }
      return upTo;
    },
  };
}
