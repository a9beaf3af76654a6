// Remembers where the incidents stand that were touched last, so that most batches ask the store for none.

import type { Incident } from "./store.ts";

export class IncidentCache {
  readonly #size: number;
  /** The ones touched last at the end. */
  readonly #byId = new Map<string, Incident>();
  readonly #idOf = new Map<number, string>();

  constructor(size: number) {
    this.#size = size;
  }

  find(id: string): Incident | undefined {
    return this.#byId.get(id);
  }

  byNumber(number: number): Incident | undefined {
    const id = this.#idOf.get(number);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  keep(incident: Incident): void {
    const id = idOf(incident.project, incident.incident_id);
    this.#byId.delete(id);
    this.#byId.set(id, incident);
    this.#idOf.set(incident.incident, id);
    if (this.#byId.size <= this.#size) return;
    for (const [oldest, { incident: number }] of this.#byId) {
      this.#byId.delete(oldest);
      this.#idOf.delete(number);
      return;
    }
  }
}

export const idOf = (project: number, incident_id: string): string => `${project} ${incident_id}`;
