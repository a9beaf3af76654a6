// JSON as common libraries and hand-written templates print it although it is none: NaN and Infinity as values (Python),
// and commas behind the last element. Tried only after strict parsing has failed; guesses nothing else.

/**
 * The text with null in the place of such values and without such commas; undefined where it has neither, or where a
 * string has no end. Strings are left alone. Whether the rest is JSON is for the parser to say. Takes time in proportion
 * to the text's length, whatever it holds.
 */
export function strictJson(text: string): string | undefined {
  const kept: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      if (at < 0) return undefined;
      continue;
    }
    const length = character === "," ? lastCommaAt(text, at) : noJsonValueAt(text, at);
    if (length === 0) continue;
    kept.push(text.slice(from, at), character === "," ? "" : "null");
    from = at + length;
    at = from - 1;
  }
  return kept.length === 0 ? undefined : kept.join("") + text.slice(from);
}

/** Where the string that begins there ends; -1 where it does not. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return -1;
}

const blanks = /\s*/y;
const noJsonValue = /[+-]?(?:NaN|Infinity)(?![\w.])/y;

/** 1 where a closing bracket is all that follows the comma, else 0. */
function lastCommaAt(text: string, at: number): 0 | 1 {
  blanks.lastIndex = at + 1;
  blanks.test(text);
  return text[blanks.lastIndex] === "}" || text[blanks.lastIndex] === "]" ? 1 : 0;
}

/** The length of the value that JSON does not have and that stands there, else 0. */
function noJsonValueAt(text: string, at: number): number {
  noJsonValue.lastIndex = at;
  const isWithinWord = at > 0 && /[\w.+-]/.test(text[at - 1] ?? "");
  return isWithinWord ? 0 : (noJsonValue.exec(text)?.[0].length ?? 0);
}
