// Gives texts that repeat their numbers: known ones from the store, new ones in the order in which events bring them.

import type { ProjectedEvent } from "../projection.ts";
import type { TableDraft } from "../table-draft.ts";
import type { IncidentsStore } from "./store.ts";

/** Between batches. */
const mostRemembered = 100_000;

export class Words {
  readonly #store: Pick<IncidentsStore, "words" | "texts">;
  #numbers = new Map<string, number>();

  constructor(store: Pick<IncidentsStore, "words" | "texts">) {
    this.#store = store;
  }

  /** From then on `numberOf` knows every text of the events. `largest` is the last number given; answers the one now. */
  async learn(events: readonly ProjectedEvent[], draft: TableDraft, largest: number): Promise<number> {
    if (this.#numbers.size > mostRemembered) this.#numbers = new Map();
    const missing = new Set<string>();
    const need = (text: string | null): void => {
      if (text !== null && text !== "" && !this.#numbers.has(text)) missing.add(text);
    };
    for (const { type, data } of events) {
      need(data.project_uuid);
      if (type !== "IncidentSignalRecorded") continue;
      need(data.status);
      need(data.source);
      need(data.monitor_id);
      need(data.monitor_name);
      need(data.repo_uuid);
      need(data.timezone);
    }
    if (missing.size === 0) return largest;
    for (const [text, number] of await this.#store.words([...missing])) {
      this.#numbers.set(text, number);
      missing.delete(text);
    }
    let next = largest;
    for (const word of missing) {
      next += 1;
      this.#numbers.set(word, next);
      draft.put({ id: next, word });
    }
    return next;
  }

  numberOf(text: string): number {
    if (text === "") return 0;
    const number = this.#numbers.get(text);
    if (number === undefined) throw new Error("A text has not been learnt");
    return number;
  }

  numberOrNull(text: string | null): number | null {
    return text === null ? null : this.numberOf(text);
  }

  texts(numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
    return this.#store.texts(numbers);
  }
}
