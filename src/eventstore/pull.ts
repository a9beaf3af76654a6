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

/** `cancel` is the client's own way of ending the stream on the server. A stream that is still being opened may fail. */
export function pullFrom<T>(
  opening: ObjectStream | Promise<ObjectStream>,
  cancel: (stream: ObjectStream) => Promise<void>,
): Pull<T> {
  let stream: ObjectStream | undefined;
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
    else opened.on("readable", ring);
  };
  if (opening instanceof Promise) opening.then(attach, end);
  else attach(opening);

  return {
    take: () => (stream?.read() as T | null | undefined) ?? undefined,
    waiting: () => stream?.readableLength ?? 0,
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
      if (stream !== undefined) await endStream(stream);
      ring();
    },
  };
}
