// Those who wait until the read model has come to a position. Knows no database.

interface Waiter {
  readonly position: bigint;
  readonly resolve: (reached: boolean) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** More than these are turned away at once: each holds a request open. */
const maxWaiters = 10_000;

export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Resolves true once `reached` is called with the position or a later one, false after the time or on `endAll`. */
  wait(position: bigint, timeoutMs: number): Promise<boolean> {
    if (this.#waiting.size >= maxWaiters || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end(waiter, false), timeoutMs);
      const waiter = { position, resolve, timer };
      this.#waiting.add(waiter);
    });
  }

  reached(position: bigint): void {
    for (const waiter of this.#waiting) if (waiter.position <= position) this.#end(waiter, true);
  }

  endAll(): void {
    for (const waiter of this.#waiting) this.#end(waiter, false);
  }

  #end(waiter: Waiter, reached: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiting.delete(waiter);
    waiter.resolve(reached);
  }
}
