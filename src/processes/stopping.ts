// Ends what was started, last first, each within its own bound. Knows nothing of what it ends.

import { setTimeout as pause } from "node:timers/promises";

export interface Stopping {
  /** What was opened last is ended first. */
  readonly add: (name: string, boundMs: number, stop: () => Promise<void> | void) => void;
  /** Never rejects; what failed or took too long is reported and left behind. A second call awaits the first. */
  readonly run: () => Promise<void>;
}

export function createStopping(report: (name: string, problem: string) => void): Stopping {
  const steps: { name: string; boundMs: number; stop: () => Promise<void> | void }[] = [];
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { name, boundMs, stop } = step;
      const patience = new AbortController();
      const late = pause(boundMs, `not ended within ${boundMs} ms`, { signal: patience.signal });
      try {
        const problem = await Promise.race([Promise.resolve(stop()), late]);
        if (typeof problem === "string") report(name, problem);
      } catch (error) {
        report(name, error instanceof Error ? error.message : String(error));
      } finally {
        patience.abort();
        late.catch(() => {});
      }
    }
  };

  return {
    add: (name, boundMs, stop) => {
      steps.push({ name, boundMs, stop });
    },
    run: () => {
      running ??= run();
      return running;
    },
  };
}
