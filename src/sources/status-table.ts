// A tool's own status words and what each means, as data. A word that is not in the table means nothing: no guessing.

import type { Kind } from "../domain/signal.ts";

/** What a word means: a kind, or that nothing is recorded, with the reason. */
export type Meaning = "ALERT" | "RECOVERY" | { readonly ignored: string };

export type StatusTable = ReadonlyMap<string, Meaning>;

/** Words are compared trimmed and without regard to case. */
export const statusTable = (words: Readonly<Record<string, Meaning>>): StatusTable =>
  new Map(Object.entries(words).map(([word, meaning]) => [normal(word), meaning]));

export const meaningOf = (table: StatusTable, word: string): Meaning | undefined => table.get(normal(word));

const normal = (word: string): string => word.trim().toLowerCase();

/** Narrows a meaning to a kind that is recorded. */
export const isKind = (meaning: Meaning): meaning is Exclude<Kind, null> => typeof meaning === "string";
