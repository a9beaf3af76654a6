// What the projector waits by and measures its pace with. An option, so that it can be run on another clock.

import { setTimeout as sleep } from "node:timers/promises";

export interface ProjectorClock {
  /** Only ever grows. */
  readonly nowMs: () => number;
  /** Ends after `ms`, or where the signal aborts before. */
  readonly pause: (ms: number, stop?: AbortSignal) => Promise<void>;
}

export const realClock: ProjectorClock = {
  nowMs: () => performance.now(),
  pause: (ms, stop) =>
    sleep(ms, undefined, stop === undefined ? {} : { signal: stop }).then(
      () => {},
      () => {},
    ),
};
