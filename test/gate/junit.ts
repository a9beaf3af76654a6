// Reads the JUnit file of `bun test`: which tests of which files ran, and how each ended.

export interface TestCase {
  /** From the directory that the tests ran in. */
  readonly file: string;
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
}

/**
 * Undefined where the file is not whole: it is written when everything is over, and says how many tests it has.
 * Attributes and texts are escaped in it, so that no text of a test looks like an element.
 */
export function readJunit(xml: string): readonly TestCase[] | undefined {
  const total = /^<testsuites [^>]*\btests="(\d+)"/m.exec(xml)?.[1];
  if (total === undefined || !xml.trimEnd().endsWith("</testsuites>")) return undefined;
  const cases = [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = "", inside = ""]): TestCase => ({
      file: attribute(attributes, "file"),
      name: attribute(attributes, "name"),
      state: /<(failure|error)\b/.test(inside) ? "failed" : /<skipped\b/.test(inside) ? "skipped" : "passed",
    }),
  );
  return cases.length === Number(total) ? cases : undefined;
}

const attribute = (attributes: string, name: string): string =>
  plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

const plain = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
    hex !== undefined
      ? String.fromCodePoint(Number.parseInt(hex, 16))
      : decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : (named[name] ?? whole),
  );
