// Applies a run of events to the read model: decodes them, folds them, and writes what has changed with dead letters and
// checkpoint at once. Knows no feed.

import type { Fold, FoldOptions, ProjectedEvent, Projection } from "../../projections/projection.ts";
import type { Changes, Table, TableChanges } from "../../projections/table.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import { faultCode, isDataFault } from "./database-fault.ts";
import { projectedEvent } from "./projected-event.ts";
import type { DeadLetter, ReadModelStore, WrittenBatch } from "./read-model-store.ts";

/** Events as projections take them. */
export interface PreparedEvents {
  readonly events: readonly ProjectedEvent[];
  readonly deadLetters: readonly DeadLetter[];
  /** How much text they hold. */
  readonly characters: number;
}

/**
 * Decodes events; those that cannot be read are dead letters, those of foreign types nothing. Decoding depends on the
 * event alone, so whatever it throws it would throw again: not even a mistake in it may stop the projector.
 */
export function prepareEvents(recorded: readonly RecordedEvent[]): PreparedEvents {
  const events: ProjectedEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  let characters = 0;
  for (const event of recorded) {
    try {
      const projected = projectedEvent(event);
      if (projected === undefined) continue;
      events.push(projected);
      characters += charactersOf(projected.data);
    } catch (error) {
      deadLetters.push({ event, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { events, deadLetters, characters };
}

function charactersOf(data: ProjectedEvent["data"]): number {
  let characters = 0;
  for (const value of Object.values(data)) {
    if (typeof value === "string") characters += value.length;
    else if (typeof value === "object" && value !== null) characters += JSON.stringify(value).length;
  }
  return characters;
}

export interface AppliedBatch extends Pick<PreparedEvents, "events" | "deadLetters"> {
  readonly from: bigint | undefined;
  readonly upTo: bigint;
  readonly log: WrittenBatch["log"];
  readonly revived?: bigint;
}

/** The rules cannot take these events: a mistake of theirs, which the same events would meet again. */
export class UnfoldableEvents extends Error {
  override readonly name = "UnfoldableEvents";
}

/** Whether the batch itself was refused, and would be again: by Postgres, or by a mistake in a fold. */
export const isRefused = (error: unknown): boolean => error instanceof UnfoldableEvents || isDataFault(error);

interface FoldedAhead {
  readonly events: readonly ProjectedEvent[];
  readonly changes?: Promise<Changes>;
}

/** The folds of one session. They remember what they have written, so whatever fails makes them begin anew. */
export class BatchApplier {
  readonly #store: ReadModelStore;
  readonly #projections: readonly Projection[];
  readonly #options: FoldOptions;
  #folds: readonly Fold[] | undefined;
  /** Folds and writes begin one after the other: each fold counts on what the ones before have changed. */
  #turn: Promise<unknown> = Promise.resolve();
  #ahead: FoldedAhead | undefined;

  constructor(store: ReadModelStore, projections: readonly Projection[], options: FoldOptions) {
    this.#store = store;
    this.#projections = projections;
    this.#options = options;
  }

  /** Folds the next batch while the one before, which has to be under way, is being written. */
  foldAhead(events: readonly ProjectedEvent[]): void {
    if (this.#ahead !== undefined || events.length === 0) return;
    const ahead: { events: typeof events; changes?: Promise<Changes> } = { events };
    ahead.changes = this.#inTurn(async () => {
      await this.#store.sent();
      if (this.#ahead !== ahead) throw new Error("the batch before was not written");
      return this.#fold(events);
    });
    ahead.changes.catch(() => {});
    this.#ahead = ahead;
  }

  /**
   * Moves the checkpoint with all that the events change, or does nothing and throws: CheckpointLost, or what the database
   * said. Events seen before change nothing. Answers the number of the server process that did it.
   */
  async apply({ events, ...batch }: AppliedBatch): Promise<number> {
    try {
      const { writing } = await this.#inTurn(async () => {
        const changes = await this.#changesOf(events);
        return { writing: this.#store.write({ ...batch, changes }) };
      });
      return await writing;
    } catch (error) {
      this.#folds = undefined;
      this.#ahead = undefined;
      throw error;
    }
  }

  async #changesOf(events: readonly ProjectedEvent[]): Promise<Changes | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined && ahead.events === events) return ahead.changes;
    // Another batch comes first: what was folded ahead counted on nothing between.
    if (ahead !== undefined) this.#folds = undefined;
    return events.length === 0 ? undefined : this.#fold(events);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #fold(events: readonly ProjectedEvent[]): Promise<Changes> {
    this.#folds ??= this.#projections.map(({ createFold }) => createFold(this.#store.stores, this.#options));
    const all = new Map<Table, TableChanges>();
    try {
      for (const { fold } of this.#folds) {
        for (const [table, changes] of await fold(events)) all.set(table, changes);
      }
    } catch (error) {
      // What a store has against it has a code.
      if (faultCode(error) !== undefined) throw error;
      throw new UnfoldableEvents(error instanceof Error ? error.message : String(error), { cause: error });
    }
    return all;
  }
}
