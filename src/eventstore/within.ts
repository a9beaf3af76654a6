// Waiting with a bound. Knows nothing of what is waited for.

/** The promise's value, or `late` after `ms`. A rejection before that is thrown, one after it is swallowed. */
export function within<T, L>(promise: Promise<T>, ms: number, late: L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(late), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Resolves when the promise has settled either way, at the latest after `ms`. */
export const settledWithin = (promise: Promise<unknown>, ms: number): Promise<void> =>
  within(promise, ms, undefined).then(
    () => undefined,
    () => undefined,
  );

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
