// One catch-up subscription, consumed by pull. Puts what the client announces early back in its place: a checkpoint
// and "caught up" are announced when they arrive, before the events that came ahead of them have been taken.

import { type ObjectStream, type Pull, pullFrom } from "./pull.ts";
import type { Resolved } from "./recorded-event.ts";

/** What the client's subscriptions to a stream and to the whole log have in common. */
export interface ClientSubscription extends ObjectStream {
  unsubscribe(): Promise<void>;
}

export interface Subscription {
  readonly pull: Pull<Resolved>;
  /** The next event if it is there; counts it as handed over. */
  take(): Resolved | undefined;
  /** The newest checkpoint that lies behind every event taken so far. */
  checkpoint(): bigint | undefined;
  /** Whether the store has said that everything it holds lies behind what was taken so far. */
  caughtUp(): boolean;
  /** How often the store has said "caught up", as far as reached by what was taken. */
  timesCaughtUp(): number;
  confirmed(): boolean;
  stop(): Promise<void>;
}

interface Mark {
  /** How many events come before the mark. */
  readonly after: number;
  readonly checkpoint: bigint | undefined;
  readonly caughtUp: boolean;
}

/** `open` is given the function to call with every checkpoint's commit position. */
export function openSubscription(
  open: (checkpointReached: (position: bigint) => void) => ClientSubscription,
): Subscription {
  let taken = 0;
  let confirmed = false;
  let checkpoint: bigint | undefined;
  let timesCaughtUp = 0;
  let caughtUpAfter = -1;
  /** Never more than one per event waiting, plus one. */
  const marks: Mark[] = [];

  const mark = (what: { readonly checkpoint?: bigint; readonly caughtUp?: true }): void => {
    const after = taken + pull.waiting();
    const same = marks.at(-1)?.after === after ? marks.pop() : undefined;
    marks.push({
      after,
      checkpoint: what.checkpoint ?? same?.checkpoint,
      caughtUp: what.caughtUp ?? same?.caughtUp ?? false,
    });
    pull.ring();
  };
  const reach = (): void => {
    for (let next = marks[0]; next !== undefined && next.after <= taken; next = marks[0]) {
      marks.shift();
      checkpoint = next.checkpoint ?? checkpoint;
      if (!next.caughtUp) continue;
      timesCaughtUp += 1;
      caughtUpAfter = next.after;
    }
  };

  const stream = open((position) => mark({ checkpoint: position }));
  const pull = pullFrom<Resolved>(stream, () => stream.unsubscribe());
  stream.on("caughtUp", () => mark({ caughtUp: true }));
  stream.on("confirmation", () => {
    confirmed = true;
    pull.ring();
  });

  return {
    pull,
    take: () => {
      const resolved = pull.take();
      if (resolved !== undefined) taken += 1;
      if (marks.length > 0) reach();
      return resolved;
    },
    checkpoint: () => checkpoint,
    caughtUp: () => caughtUpAfter === taken,
    timesCaughtUp: () => timesCaughtUp,
    confirmed: () => confirmed,
    stop: () => pull.stop(),
  };
}
