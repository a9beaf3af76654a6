// Finds every regular expression of the product, wherever one is written: literals, `new RegExp`, and the patterns of
// schemas. Made with a parser: what only looks like one in a comment or a text is none.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { contractFields } from "../../src/intake/contract-fields.ts";

const root = join(import.meta.dirname, "../..");

export interface FoundRegex {
  /** From the root: "src/http/app.ts:12". */
  readonly where: string;
  readonly pattern: string;
  readonly flags: string;
}

/** What is put together at run time, as it stands in the source, and what it amounts to there. */
const computed = new Map<string, string>([
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text.
    '`"(?:${contractFields.join("|")})"\\\\s*:`',
    `"(?:${contractFields.join("|")})"\\s*:`,
  ],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text.
    '`"(${contractFields.join("|")})"\\\\s*:\\\\s*"`',
    `"(${contractFields.join("|")})"\\s*:\\s*"`,
  ],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text. The key is a field's name in quotes.
    "`${key}\\\\s*:\\\\s*(-?\\\\d{1,40})\\\\b`",
    '"incident_number"\\s*:\\s*(-?\\d{1,40})\\b',
  ],
]);

/** What clients of the embedded event store send; src/eventstore/embedded/slow-regex.ts guards it. */
const guarded = "src/eventstore/embedded/subscription-filter.ts: text";

export interface Findings {
  readonly regexes: readonly FoundRegex[];
  /** Those of which nobody said what they amount to. */
  readonly unknown: readonly string[];
  readonly files: number;
}

export function findRegexes(): Findings {
  const files = ["src", "projections"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => path.endsWith(".ts")),
  );
  const regexes: FoundRegex[] = [];
  const unknown: string[] = [];
  for (const path of files) {
    const text = readFileSync(join(root, path), "utf8");
    const whereOf = (node: Node): string => `${path}:${text.slice(0, node.start).split("\n").length}`;
    const given = (node: Node | undefined, flags: string): void => {
      if (node === undefined || node.regex !== undefined) return;
      const shown = text.slice(node.start, node.end);
      const pattern = typeof node.value === "string" ? node.value : computed.get(shown);
      if (pattern !== undefined) regexes.push({ where: whereOf(node), pattern, flags });
      else if (`${path}: ${shown}` !== guarded) unknown.push(`${whereOf(node)} ${shown}`);
    };
    for (const node of nodesOf(parseSync(path, text).program)) {
      if (node.regex !== undefined) regexes.push({ where: whereOf(node), ...node.regex });
      if (["NewExpression", "CallExpression"].includes(node.type) && node.callee?.name === "RegExp") {
        const [source, flags] = node.arguments ?? [];
        given(source, typeof flags?.value === "string" ? flags.value : "");
      }
      for (const property of node.type === "ObjectExpression" ? (node.properties ?? []) : []) {
        const name = property.key?.name ?? property.key?.value;
        if (name === "pattern") given(property.value as Node, "");
        // Each format of a schema stands for an expression of the library's.
        if (name === "format" && /\/(http|sources)\//.test(path)) unknown.push(`${whereOf(property)} format`);
      }
    }
  }
  return { regexes, unknown, files: files.length };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly regex?: { readonly pattern: string; readonly flags: string };
  readonly value?: unknown;
  readonly name?: string;
  readonly key?: { readonly name?: string; readonly value?: unknown };
  readonly callee?: { readonly name?: string };
  readonly arguments?: readonly Node[];
  readonly properties?: readonly Node[];
}

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value) && typeof (value as Node).type === "string") yield value as Node;
  for (const child of Object.values(value)) yield* nodesOf(child);
}
