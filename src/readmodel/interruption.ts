// Waiting that can be cut short. Knows nothing of what is waited for.

/**
 * Waits for one promise after another until it is told to end. Not Promise.race: a promise that outlives many races
 * keeps every one of them in memory.
 */
export class Interruption {
  #over: { readonly error: unknown } | undefined;
  #settle = (): void => {};

  /** Ends what is waited for now and all that comes: with the error, or (undefined) without one. */
  end(error: unknown): void {
    this.#over ??= { error };
    this.#settle();
  }

  /** What the promise brings; undefined where it was ended without an error. */
  wait<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#settle = () => {
        if (this.#over === undefined) return;
        if (this.#over.error === undefined) resolve(undefined);
        else reject(this.#over.error);
      };
      this.#settle();
      promise.then(resolve, reject);
    });
  }
}
