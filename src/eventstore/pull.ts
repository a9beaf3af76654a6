// Takes from one of the client's object streams by pull, and ends it for certain. Knows nothing of events.
// The client emits "error" long after an iteration has ended and leaves the server's stream open when a loop is
// left early: so errors always have a listener here, and `stop` always cancels.

import { settledWithin } from "./within.ts";

/** The part of a Readable that is used here. */
export interface ObjectStream {
  read(): unknown;
  readonly readableLength: number;
  on(event: string, listener: (error?: unknown) => void): unknown;
  destroy(): unknown;
}

export interface Pull<T> {
  /** The next object if one is there. Never waits. */
  take(): T | undefined;
  /** How many objects are there to be taken at once. */
  waiting(): number;
  /** Resolves when something may have changed, at the latest after `ms`. Says whether anything rang. */
  changed(ms: number): Promise<boolean>;
  /** Wakes whoever waits in `changed`. */
  ring(): void;
  /** Set once the stream has failed or ended; an end has no error. */
  over(): { readonly error: unknown } | undefined;
  stop(): Promise<void>;
}

/** `cancel` is the client's own way of ending the stream on the server. */
export function pullFrom<T>(stream: ObjectStream, cancel: () => Promise<void>): Pull<T> {
  let over: { error: unknown } | undefined;
  let wake: ((rang: boolean) => void) | undefined;

  const ring = (): void => {
    const waiter = wake;
    wake = undefined;
    waiter?.(true);
  };
  const end = (error: unknown): void => {
    over ??= { error };
    ring();
  };
  stream.on("readable", ring);
  stream.on("error", end);
  stream.on("end", () => end(undefined));
  stream.on("close", () => end(undefined));

  return {
    take: () => (stream.read() as T | null) ?? undefined,
    waiting: () => stream.readableLength,
    changed: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          wake = undefined;
          resolve(false);
        }, ms);
        wake = (rang) => {
          clearTimeout(timer);
          resolve(rang);
        };
      }),
    ring,
    over: () => over,
    stop: async () => {
      await settledWithin(cancel(), 1000);
      stream.destroy();
      ring();
    },
  };
}
