// A tool's own status words and what each means, as data. A word that is not in the table means nothing: no guessing.

import type { Kind } from "../domain/signal.ts";
import type { IgnoredCause } from "./source.ts";

/**
 * What a word means: a kind; `REMINDER`, for an alert that is told again; `neither`, for a state that is recorded without
 * opening or ending anything; or that nothing is recorded, with the reason.
 */
export type Meaning =
  | Exclude<Kind, null>
  | "REMINDER"
  | "neither"
  | { readonly ignored: string; readonly cause?: IgnoredCause };

export type StatusTable = ReadonlyMap<string, Meaning>;

/** Words are compared trimmed and without regard to case. */
export const statusTable = (words: Readonly<Record<string, Meaning>>): StatusTable =>
  new Map(Object.entries(words).map(([word, meaning]) => [normal(word), meaning]));

export const meaningOf = (table: StatusTable, word: string): Meaning | undefined => table.get(normal(word));

const normal = (word: string): string => word.trim().toLowerCase();
