// Finds the events of all streams whose names begin alike without reading the others: by the index of streams' names and
// that of each stream's events. Knows nothing of what is in the events.

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Neither reads a row of another stream, nor any event's content: `test/eventstore/prefix-index.test.ts` holds that. */
export const prefixQueries = {
  streams: "select key, name from streams where name >= ? and name < ? order by name limit ?",
  positions:
    "select revision, position from events where stream = ? and revision > ? order by revision limit ?",
};

/** Rows read at one go: a few milliseconds, in which nothing else is done. */
const pageRows = 4_096;
/** Positions held in memory for one reader, 16 bytes each at most. What lies beyond is found in another round. */
const mostPositions = 262_144;
/** Sorts behind every name that follows: no text holds this noncharacter. */
const beyondAllNames = "\u{10FFFF}";

interface Range {
  /** Exclusive. */
  readonly after: number;
  /** Inclusive. */
  readonly upTo: number;
}

export class PrefixIndex {
  readonly #streams: StatementSync;
  readonly #positions: StatementSync;
  readonly #most: number;

  constructor(db: Pick<DatabaseSync, "prepare">, most = mostPositions) {
    this.#streams = db.prepare(prefixQueries.streams);
    this.#positions = db.prepare(prefixQueries.positions);
    this.#most = most;
  }

  /**
   * The positions in the range of all events under the prefix, in log order; in rounds where there are very many, each a
   * walk over the index. `pause` lets others in between the pages; an answer of false ends it.
   */
  async *rounds(prefix: string, range: Range, pause: () => Promise<boolean>): AsyncGenerator<number[]> {
    for (let { after } = range; ; ) {
      const round = await this.#round(prefix, { ...range, after }, pause);
      const last = round?.at(-1);
      if (round === undefined || last === undefined) return;
      yield round;
      if (round.length < this.#most) return;
      after = last;
    }
  }

  /** The first of them, at most as many as may be held; undefined where the pause ended it. */
  async #round(prefix: string, range: Range, pause: () => Promise<boolean>): Promise<number[] | undefined> {
    const found: number[] = [];
    let { upTo } = range;
    let rows = 0;
    for (const stream of this.#streamsUnder(prefix)) {
      for (let revision = -1; ; ) {
        const page = this.#positions.all(stream, revision, pageRows) as {
          revision: number;
          position: number;
        }[];
        for (const { position } of page) if (position > range.after && position <= upTo) found.push(position);
        if (found.length >= 2 * this.#most) {
          keepFirst(found, this.#most);
          upTo = found.at(-1) ?? upTo;
        }
        rows += 1 + page.length;
        if (rows >= pageRows) {
          rows = 0;
          if (!(await pause())) return undefined;
        }
        const last = page.at(-1);
        if (last === undefined || page.length < pageRows) break;
        revision = last.revision;
      }
    }
    keepFirst(found, this.#most);
    return found;
  }

  /** Read page by page: a statement that is left open would hold a state of the file. */
  *#streamsUnder(prefix: string): Generator<number> {
    let previous: string | undefined;
    for (;;) {
      const from = previous ?? prefix;
      const page = this.#streams.all(from, `${prefix}${beyondAllNames}`, pageRows) as {
        key: number;
        name: string;
      }[];
      for (const { key, name } of page) if (name !== previous) yield key;
      if (page.length < pageRows) return;
      previous = page.at(-1)?.name;
    }
  }
}

function keepFirst(positions: number[], most: number): void {
  positions.sort((one, other) => one - other);
  positions.length = Math.min(positions.length, most);
}
