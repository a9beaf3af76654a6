// Every source, in the order in which `auto` asks them: those with telling headers or keys before those that look like
// others. A new source is one import and one line here.

import { alertmanager } from "./alertmanager.ts";
import type { Reading, Source, SourcePayload } from "./source.ts";

export const sources: readonly Source[] = [
  // First half
  alertmanager,
  // Second half
] satisfies readonly Source[];

const byName: ReadonlyMap<string, Source> = new Map(sources.map((source) => [source.name, source]));

export const sourceNamed = (name: string): Source | undefined => byName.get(name);

/** The source whose payload this is, by headers and keys; undefined where none recognises it. */
export const recogniseSource = (payload: SourcePayload): Source | undefined =>
  sources.find((source) => source.recognise(payload));

/**
 * Reads a payload with the source of that name; "auto" recognises it first. Undefined where there is no such source or
 * none recognises the payload.
 */
export function readPayload(
  name: string,
  payload: SourcePayload,
): { readonly source: string; readonly reading: Reading } | undefined {
  const source = name === "auto" ? recogniseSource(payload) : sourceNamed(name);
  return source === undefined ? undefined : { source: source.name, reading: source.read(payload) };
}
