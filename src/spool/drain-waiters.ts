// Those who wait until what a project has on the spool at this moment is in the event store. Knows no files.

import type { After } from "./timer.ts";

export interface DrainWaiters {
  /**
   * Resolves true once none of the project's records up to this sequence waits any more; false after `ms`, at the end,
   * and at once where too many wait already.
   */
  readonly wait: (project: string, upTo: number, ms: number) => Promise<boolean>;
  /** Records of the project wait no more. */
  readonly drained: (project: string) => void;
  readonly endAll: () => void;
}

interface Waiter {
  readonly upTo: number;
  readonly end: (isDrained: boolean) => void;
}

/** Each holds a request open. */
const mostWaiters = 10_000;

/** `oldestOf` is the sequence of the project's oldest record that waits; undefined where none does. */
export function createDrainWaiters(
  oldestOf: (project: string) => number | undefined,
  after: After,
): DrainWaiters {
  const projects = new Map<string, Set<Waiter>>();
  let count = 0;
  let hasEnded = false;
  const isDrained = (project: string, upTo: number): boolean => (oldestOf(project) ?? upTo + 1) > upTo;

  return {
    wait: (project, upTo, ms) => {
      if (isDrained(project, upTo)) return Promise.resolve(true);
      if (hasEnded || count >= mostWaiters) return Promise.resolve(false);
      const waiters = projects.get(project) ?? new Set();
      projects.set(project, waiters);
      count += 1;
      return new Promise((resolve) => {
        const end = (drained: boolean): void => {
          cancel();
          if (!waiters.delete(waiter)) return;
          count -= 1;
          if (waiters.size === 0) projects.delete(project);
          resolve(drained);
        };
        const waiter = { upTo, end };
        const cancel = after(ms, () => end(false));
        waiters.add(waiter);
      });
    },
    drained: (project) => {
      // Who came first waits for least.
      for (const { upTo, end } of projects.get(project) ?? []) {
        if (!isDrained(project, upTo)) return;
        end(true);
      }
    },
    endAll: () => {
      hasEnded = true;
      for (const waiters of projects.values()) for (const { end } of waiters) end(false);
    },
  };
}
