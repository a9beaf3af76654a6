// Takes from one of the client's object streams by pull, and ends it for certain. Knows nothing of events.
// The client emits "error" long after an iteration has ended and leaves the server's stream open when a loop is
// left early: so errors always have a listener here, and `stop` always cancels.

import { settledWithin } from "./within.ts";

/** The part of a Readable that is used here. */
export interface ObjectStream {
  on(event: string, listener: (value?: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** Read ahead of the consumer, about: so many objects, or so many bytes where they are bytes. */
const readAhead = { objects: 512, bytes: 16_000_000 };

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

/** `cancel` is the client's own way of ending the stream on the server. A stream that is still being opened may fail. */
export function pullFrom<T>(
  opening: ObjectStream | Promise<ObjectStream>,
  cancel: (stream: ObjectStream) => Promise<void>,
): Pull<T> {
  let stream: ObjectStream | undefined;
  let stopped = false;
  let queue: T[] = [];
  let taken = 0;
  let queuedBytes = 0;
  let paused = false;
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
  const keep = (value: T): void => {
    queue.push(value);
    if (value instanceof Uint8Array) queuedBytes += value.byteLength;
    if (queue.length >= readAhead.objects || queuedBytes >= readAhead.bytes) {
      paused = true;
      stream?.pause();
    }
    ring();
  };
  /** Empties the queue: there is room for more. */
  const refill = (): void => {
    queue = [];
    taken = 0;
    queuedBytes = 0;
    if (!paused) return;
    paused = false;
    stream?.resume();
  };
  const endStream = async (opened: ObjectStream): Promise<void> => {
    await settledWithin(cancel(opened), 1000);
    opened.destroy();
  };
  const attach = (opened: ObjectStream): void => {
    stream = opened;
    opened.on("error", end);
    opened.on("end", () => end(undefined));
    opened.on("close", () => end(undefined));
    if (stopped) void endStream(opened);
    else opened.on("data", (value) => keep(value as T));
  };
  if (opening instanceof Promise) opening.then(attach, end);
  else attach(opening);

  return {
    take: () => {
      if (taken === queue.length) return undefined;
      const value = queue[taken];
      taken += 1;
      if (taken === queue.length) refill();
      return value;
    },
    waiting: () => queue.length - taken,
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
      stopped = true;
      queue = [];
      taken = 0;
      if (stream !== undefined) await endStream(stream);
      ring();
    },
  };
}
