// The events of one append while its messages come in. Holds no more than an append may have.

import type { ProposedEvent } from "./event-file.ts";

/** EventStoreDB's default. */
export const maxAppendBytes = 1_048_576;

export class CollectedAppend {
  readonly events: ProposedEvent[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined is the place of an event that lacks what each must have. */
  add(event: ProposedEvent | undefined): "added" | "missing_property" | "too_large" {
    if (event === undefined) return "missing_property";
    this.#bytes += sizeOnDisk(event);
    if (this.#bytes > maxAppendBytes) return "too_large";
    this.events.push(event);
    return "added";
  }
}

/** As EventStoreDB counts for its limit: the two contents, and its type at two bytes a character. */
const sizeOnDisk = ({ data, metadata, type }: ProposedEvent): number =>
  data.length + metadata.length + type.length * 2;
