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
  const queue = new Queue<T>();
  let stopped = false;
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
    else
      opened.on("data", (value) => {
        queue.push(value as T);
        if (queue.isFull()) opened.pause();
        ring();
      });
  };
  if (opening instanceof Promise) opening.then(attach, end);
  else attach(opening);

  return {
    take: () => {
      const wasFull = queue.isFull();
      const value = queue.take();
      if (wasFull && !queue.isFull()) stream?.resume();
      return value;
    },
    waiting: () => queue.length,
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
      queue.clear();
      if (stream !== undefined) await endStream(stream);
      ring();
    },
  };
}

/** Objects that have arrived and were not taken yet, in their order. Once full it stays so until it is empty. */
class Queue<T> {
  #values: T[] = [];
  #taken = 0;
  #bytes = 0;
  #full = false;

  get length(): number {
    return this.#values.length - this.#taken;
  }

  isFull(): boolean {
    return this.#full;
  }

  push(value: T): void {
    this.#values.push(value);
    if (value instanceof Uint8Array) this.#bytes += value.byteLength;
    if (this.#values.length >= readAhead.objects || this.#bytes >= readAhead.bytes) this.#full = true;
  }

  take(): T | undefined {
    if (this.length === 0) return undefined;
    const value = this.#values[this.#taken];
    this.#taken += 1;
    if (this.length === 0) this.clear();
    return value;
  }

  clear(): void {
    this.#values = [];
    this.#taken = 0;
    this.#bytes = 0;
    this.#full = false;
  }
}
