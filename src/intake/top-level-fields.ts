// Where the fields of a JSON object stand in its text: for what JSON.parse does not tell, a number's own digits and
// names that stand twice. Knows no field names. The text must be valid JSON.

/** The digits of the number that `name` has at the top level (its last one, as JSON.parse has it); ids beyond 2^53. */
export function numberText(json: string, name: string): string | undefined {
  const digits = /\s*(-?\d[\d.eE+-]*)/y;
  let found: string | undefined;
  for (const field of topLevelFields(json)) {
    if (field.name !== name) continue;
    digits.lastIndex = field.valueAt;
    found = digits.exec(json)?.[1];
  }
  return found;
}

/** The first of the names that stands more than once at the top level. */
export function repeatedName(json: string, names: ReadonlySet<string>): string | undefined {
  const seen = new Set<string>();
  for (const { name } of topLevelFields(json)) {
    if (!names.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

function* topLevelFields(json: string): Iterable<{ readonly name: string; readonly valueAt: number }> {
  let depth = 0;
  let expectsName = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const end = endOfString(json, at);
      if (depth === 1 && expectsName) {
        const name: unknown = JSON.parse(json.slice(at, end + 1));
        yield { name: String(name), valueAt: json.indexOf(":", end) + 1 };
      }
      expectsName = false;
      at = end;
    } else if (character === "{" || character === "[") {
      depth++;
      expectsName = character === "{" && depth === 1;
    } else if (character === "}" || character === "]") {
      depth--;
    } else if (character === "," && depth === 1) {
      expectsName = true;
    }
  }
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}
