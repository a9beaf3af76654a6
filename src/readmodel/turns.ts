// Work that shares one connection, one piece at a time, in order. Knows nothing of the work.

/** A piece begins when all before it have ended; once one has failed, none begins any more. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done;
    // Whoever takes the next turn, or asks for the end, is told.
    done.catch(() => {});
    return done;
  }

  /** When what was given until now has ended; rejects where a piece has failed. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
