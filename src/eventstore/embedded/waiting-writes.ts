// The writes that wait for a flush, in their order, and whether there is room for more. Knows no storage.

import { sizeOf } from "./event-file.ts";
import type { Write, Written } from "./group-commit.ts";

/** The most writes that share one flush; the others wait for the next. */
const mostInFlush = 2_048;
/**
 * Once so many wait, no call is read any further until half of them are taken: what clients send meanwhile stays in
 * their own buffers. Each open call may bring one request more.
 */
const mostWaiting = 8_192;
/** The same in bytes of events, for one flush and for what waits. */
const mostBytesInFlush = 33_554_432;
const mostBytesWaiting = 67_108_864;

interface WaitingWrite {
  readonly write: Write;
  readonly resolve: (written: Written) => void;
}

export class WaitingWrites {
  #writes: (WaitingWrite & { readonly bytes: number })[] = [];
  #bytes = 0;
  #held: (() => void)[] = [];

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  add(write: Write, resolve: WaitingWrite["resolve"]): void {
    const bytes = bytesOf(write);
    this.#bytes += bytes;
    this.#writes.push({ write, bytes, resolve });
  }

  /** Takes out what shares the next flush. */
  next(): readonly WaitingWrite[] {
    let bytes = 0;
    let count = 0;
    for (const next of this.#writes) {
      if (count === mostInFlush || bytes >= mostBytesInFlush) break;
      bytes += next.bytes;
      count++;
    }
    const batch = this.#writes.slice(0, count);
    this.#writes = this.#writes.slice(count);
    this.#bytes -= bytes;
    if (!this.#isFilled(0.5)) {
      for (const resolve of this.#held) resolve();
      this.#held = [];
    }
    return batch;
  }

  /** Undefined while there is room for more; otherwise resolves when there is again. */
  room(): Promise<void> | undefined {
    return this.#isFilled(1) ? new Promise((resolve) => this.#held.push(resolve)) : undefined;
  }

  #isFilled(share: number): boolean {
    return this.#writes.length >= mostWaiting * share || this.#bytes >= mostBytesWaiting * share;
  }
}

const bytesOf = (write: Write): number =>
  write.tag === "append" ? write.events.reduce((sum, event) => sum + sizeOf(event), 0) : 0;
