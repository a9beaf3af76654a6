// The world of the simulation: one thread, one clock that jumps from one happening to the next, and chance from a seed.
// Everything that takes time happens here and nowhere else, so a seed replays. Knows nothing of what happens.

import { type Random, randomFrom } from "../faults/seed.ts";

/** Runs `then` after `ms` on the world's clock, unless the function that it answers is called before. */
type After = (ms: number, then: () => void) => () => void;

/** Something that ends when its process is killed: nothing that it had begun is heard of again. */
export interface Life {
  readonly isOver: () => boolean;
}

export interface World {
  readonly random: Random;
  /** Milliseconds since the start; only ever grows. */
  readonly now: () => number;
  /** Happens after `ms`, or never, where the life is over by then. */
  readonly after: (life: Life, label: string) => After;
  /** Adds to the trace what is no step of its own but has to be the same in a replay. */
  readonly note: (text: string) => void;
  /** Runs happenings until `isDone` or until nothing is left to happen; at most `steps` of them. */
  readonly run: (limits: { readonly steps: number; readonly isDone: () => boolean }) => Promise<void>;
  readonly steps: () => number;
  /** A hash over all that has happened. */
  readonly trace: () => string;
}

interface Happening {
  readonly at: number;
  /** Among those of one moment, chance decides. */
  readonly order: number;
  readonly label: string;
  readonly life: Life;
  readonly happen: () => void;
  isCancelled: boolean;
}

export const forEver: Life = { isOver: () => false };

export function createWorld(seed: number): World {
  const random = randomFrom(seed);
  const order = random.fork("order");
  const agenda = createAgenda();
  let now = 0;
  let steps = 0;
  let hash = 0x811c9dc5;

  const note = (text: string): void => {
    for (let index = 0; index < text.length; index++)
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ Math.floor(now), 0x01000193);
  };

  return {
    random,
    now: () => now,
    note,
    after: (life, label) => (ms, happen) => {
      const happening = {
        at: now + Math.max(0, ms),
        order: order.next(),
        label,
        life,
        happen,
        isCancelled: false,
      };
      agenda.add(happening);
      return () => {
        happening.isCancelled = true;
      };
    },
    run: async (limits) => {
      for (const until = steps + limits.steps; steps < until && !limits.isDone(); ) {
        const next = agenda.takeFirst();
        if (next === undefined) return;
        if (next.isCancelled || next.life.isOver()) continue;
        now = Math.max(now, next.at);
        steps += 1;
        note(next.label);
        next.happen();
        await settled();
      }
    },
    steps: () => steps,
    trace: () => (hash >>> 0).toString(16).padStart(8, "0"),
  };
}

/** Every promise that can go on has gone on: all that waits now waits for the world. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A binary heap. */
function createAgenda() {
  const heap: Happening[] = [];
  const isBefore = (a: Happening, b: Happening): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order);
  return {
    add: (one: Happening): void => {
      let place = heap.push(one) - 1;
      while (place > 0) {
        const above = (place - 1) >> 1;
        const parent = heap[above];
        if (parent === undefined || !isBefore(one, parent)) break;
        heap[place] = parent;
        place = above;
      }
      heap[place] = one;
    },
    takeFirst: (): Happening | undefined => {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      let place = 0;
      for (;;) {
        let below = 2 * place + 1;
        let child = heap[below];
        const right = heap[below + 1];
        if (right !== undefined && child !== undefined && isBefore(right, child)) {
          child = right;
          below += 1;
        }
        if (child === undefined || !isBefore(child, last)) break;
        heap[place] = child;
        place = below;
      }
      heap[place] = last;
      return first;
    },
  };
}
