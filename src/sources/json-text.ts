// JSON as its sender wrote it: numbers with all their digits, and the text that a part of a document stands in. Knows no
// tool.

/**
 * What JSON.parse makes of the text, but a whole number beyond 2^53 becomes the text of its own digits: tools send such
 * ids, and as numbers two of them would be one. Throws SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  try {
    return JSON.parse(text, withDigits);
  } catch (error) {
    // A document can nest deeper than the parser's second walk over it goes.
    if (error instanceof RangeError) return JSON.parse(text);
    throw error;
  }
}

/** `source` is the number's own text (ECMAScript's JSON.parse source text access). */
function withDigits(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? source : value;
}

/** Where each object and list of a document stands in its text. */
type Places = WeakMap<object, { readonly start: number; readonly end: number }>;

const known = new WeakMap<object, Places>();

/** The text that an object or a list of the document `root` stands in, verbatim; undefined where it is no part of it. */
export function verbatimText(part: unknown, root: unknown, text: string): string | undefined {
  if (!isNode(part) || !isNode(root)) return undefined;
  const places = known.get(root) ?? placesIn(root, text);
  known.set(root, places);
  const place = places.get(part);
  return place === undefined ? undefined : text.slice(place.start, place.end);
}

interface Open {
  readonly node: unknown;
  readonly start: number;
  /** Of the value that comes next: its index, or undefined until its name has been read. */
  key: string | number | undefined;
}

/**
 * Walks the text and what was parsed from it side by side, once. Of a name that stands twice the last value is the one
 * that was parsed, and is also the last that is put down here.
 */
function placesIn(root: object, text: string): Places {
  const places: Places = new WeakMap();
  const open: Open[] = [];
  for (let at = 0; at < text.length; at++) {
    const around = open.at(-1);
    switch (text[at]) {
      case '"': {
        const start = at;
        at = endOfString(text, start);
        if (around !== undefined && around.key === undefined) {
          around.key = String(JSON.parse(text.slice(start, at + 1)));
        }
        break;
      }
      case "{":
      case "[":
        open.push({
          node: around === undefined ? root : childOf(around),
          start: at,
          key: text[at] === "[" ? 0 : undefined,
        });
        break;
      case "}":
      case "]":
        if (isNode(around?.node)) places.set(around.node, { start: around.start, end: at + 1 });
        open.pop();
        break;
      case ",":
        if (around !== undefined) around.key = typeof around.key === "number" ? around.key + 1 : undefined;
        break;
    }
  }
  return places;
}

const isNode = (value: unknown): value is object => typeof value === "object" && value !== null;

function childOf({ node, key }: Open): unknown {
  if (!isNode(node) || key === undefined || !Object.hasOwn(node, key)) return undefined;
  return (node as Readonly<Record<string | number, unknown>>)[key];
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
