// Reads a flat object that a tool's template filled in without escaping (a quote or a line break in a name or a
// message). Tried only after strict JSON parsing has failed. What is not certain is refused, never guessed.

import { contractFields } from "./contract-fields.ts";

export type TolerantReading =
  | { readonly ok: true; readonly fields: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly problem: string };

const refuse = (problem: string): TolerantReading => ({ ok: false, problem });

/** `"key": "`, at the start of the object or behind a comma: where a field begins. */
const fieldStart = new RegExp(`"(${contractFields.join("|")})"\\s*:\\s*"`, "g");
const betweenFields = /"\s*,\s*$/;

/** A quote, a comma and another name: where a value would hold this, it may be two fields. */
const anotherField = /"\s*,\s*"[^"]*"\s*:/;

/**
 * A value runs to the last quote before the next of the contract's keys, or before the end. Values are taken literally,
 * backslashes too: whoever does not escape quotes does not escape those either. So that a text within a value never
 * passes for a field, every key may stand once only, and the keys must stand in the templates' order (or all be there):
 * a message or a name that imitates a field breaks one of the two, and the body is refused.
 */
export function readTolerantly(text: string): TolerantReading {
  const body = text.trim();
  if (!body.startsWith("{") || !body.endsWith("}")) return refuse("nor is it one object in braces");
  const starts = [...body.matchAll(fieldStart)].map((match) => ({
    key: match[1] as (typeof contractFields)[number],
    at: match.index,
    valueAt: match.index + match[0].length,
  }));
  const [first] = starts;
  if (first === undefined) return refuse("none of the contract's fields stands in it");
  if (body.slice(1, first.at).trim() !== "")
    return refuse("something other than the contract's fields stands first");
  const seen = new Set<string>();
  for (const { key } of starts) {
    if (seen.has(key))
      return refuse(`${key} stands in it more than once, so it can be read in more than one way`);
    seen.add(key);
  }
  if (starts.length < contractFields.length && !inTemplateOrder(starts.map(({ key }) => key))) {
    return refuse(
      "its fields stand in another order than the templates print them, so it can be read in more than one way",
    );
  }
  const fields: Record<string, string> = {};
  for (const [index, start] of starts.entries()) {
    const next = starts[index + 1];
    const span = next === undefined ? body.slice(start.valueAt, -1) : body.slice(start.valueAt, next.at);
    const value = next === undefined ? lastValue(span) : valueBefore(span);
    if (value === undefined) return refuse(`the value of ${start.key} has no clear end`);
    if (anotherField.test(value))
      return refuse(`in the value of ${start.key} stands what looks like another field`);
    fields[start.key] = value;
  }
  return { ok: true, fields };
}

function inTemplateOrder(keys: readonly (typeof contractFields)[number][]): boolean {
  const places = keys.map((key) => contractFields.indexOf(key));
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
}

/** The value in front of the next field: up to its last quote, behind which only a comma stands. */
function valueBefore(span: string): string | undefined {
  const end = betweenFields.exec(span);
  return end === null ? undefined : span.slice(0, end.index);
}

/** The last value: up to the last quote, behind which only white space stands. */
function lastValue(span: string): string | undefined {
  const end = span.trimEnd();
  return end.endsWith('"') ? end.slice(0, -1) : undefined;
}
