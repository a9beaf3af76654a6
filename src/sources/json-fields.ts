// Safe access to JSON of unknown shape: nothing here throws, whatever stands where. Knows no tool.

import { parseJson } from "./json-text.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** The value as an object with fields; undefined for lists, texts, null and all else. */
export const fieldsOf = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** The value's elements; an empty list where it is no list. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The value at a path of keys and indexes, own fields only; undefined where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string | number, unknown>)[key];
  }
  return here;
}

/** The text at a path, a finite number as its text; undefined for empty or blank text and for all else. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found === "number") return Number.isFinite(found) ? String(found) : undefined;
  return typeof found === "string" && found.trim() !== "" ? found : undefined;
}

/** The first of the paths that holds a text. Paths are written with dots; keys with dots need `textAt`. */
export function firstText(value: unknown, ...paths: readonly string[]): string | undefined {
  for (const path of paths) {
    const found = textAt(value, ...path.split("."));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether the object has all of these own fields (null counts as there). */
export const hasFields = (value: unknown, ...names: readonly string[]): boolean => {
  const fields = fieldsOf(value);
  return fields !== undefined && names.every((name) => Object.hasOwn(fields, name));
};

/** A text that holds JSON (a form's field) as what it holds; everything else as it is. */
export function unwrapped(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return value;
  try {
    return parseJson(value);
  } catch {
    return value;
  }
}
