// Notes on the disk what has drained, and the newest position of the event store's log that was seen: often while much
// drains, and never twice at once. A note that lags costs a look, never a record.

import type { Cursor } from "./segments.ts";
import type { After } from "./timer.ts";

export interface Noting {
  /** Resolves once what has drained by now is noted; several share one note. */
  readonly soon: () => Promise<void>;
  readonly now: () => Promise<void>;
  readonly seen: (position: bigint) => void;
  readonly position: () => bigint | undefined;
}

const drainedEveryMs = 100;
/** A position that lags makes a look back longer, so it is noted also while nothing drains. */
const positionEveryMs = 30_000;

export function createNoting(options: {
  readonly write: (position: bigint | undefined) => Promise<void>;
  readonly position: Cursor["position"];
  readonly after: After;
}): Noting {
  const { write, after } = options;
  let { position } = options;
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let isPositionDue = false;

  const now = (): Promise<void> => {
    isPositionDue = false;
    writing = (writing ?? Promise.resolve()).catch(() => undefined).then(() => write(position));
    return writing;
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => after(ms, resolve));

  return {
    soon: () => {
      if (writing === undefined) return now();
      // Two notes lie this far apart; the one to come covers all that drains until then.
      next ??= writing
        .catch(() => undefined)
        .then(() => pause(drainedEveryMs))
        .then(() => {
          next = undefined;
          return now();
        });
      return next;
    },
    now,
    seen: (seen) => {
      if (position !== undefined && seen <= position) return;
      position = seen;
      if (isPositionDue) return;
      isPositionDue = true;
      after(positionEveryMs, () => {
        if (isPositionDue) now().catch(() => undefined);
      });
    },
    position: () => position,
  };
}
