// JSON as common libraries and hand-written templates print it although it is none: NaN and Infinity as values (Python),
// and commas behind the last element. Tried only after strict parsing has failed; guesses nothing else.

/**
 * The text with null in the place of such values and without such commas; undefined where it has neither. Strings are
 * left alone. Whether the rest is JSON is for the parser to say.
 */
export function strictJson(text: string): string | undefined {
  const kept: string[] = [];
  let from = 0;
  for (const { index, 0: found } of text.matchAll(parts)) {
    if (found.startsWith('"')) continue;
    kept.push(text.slice(from, index), found.startsWith(",") ? "" : "null");
    from = index + found.length;
  }
  return from === 0 ? undefined : kept.join("") + text.slice(from);
}

/** A string as a whole, a value that JSON does not have, or a comma in front of a closing bracket. */
const parts = /"(?:[^"\\]|\\.)*"|(?<![\w.+-])[+-]?(?:NaN|Infinity)(?![\w.])|,(?=\s*[}\]])/gs;
