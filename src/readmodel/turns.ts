// Work that shares one connection, one piece at a time, in order. Knows nothing of the work.

/** A piece begins when all before it have ended; once one has failed, none begins any more. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done;
    // Whoever takes the next turn is told.
    done.catch(() => {});
    return done;
  }
}
