// 100,000 characters made to keep a regular expression busy, through every reader that strangers reach. The figures are
// printed; the bound is far above them and far below what the square of the length would take.

import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { instantFromEpochMs, parseInstant } from "../../src/domain/instant.ts";
import { kindOf } from "../../src/domain/status.ts";
import { readContractWebhook } from "../../src/intake/contract-webhook.ts";
import { parseNative } from "../../src/intake/native-payload.ts";
import { recogniseSource, sources } from "../../src/sources/registry.ts";
import type { SourcePayload } from "../../src/sources/source.ts";
import { fixtures } from "../sources/fixtures.ts";
import { findRegexes } from "./regexes.ts";

const length = 100_000;
const boundMs = 2_000;

/** What the product's expressions repeat, and what comes before or after those repeats. */
const pieces = [
  ..." \t\n\r0a_-/.:;,=&+%#?*|\\\"'[](){}<>@\u0000é",
  ...[
    "\r\n",
    ' "',
    '",',
    '":',
    "0.",
    "00:",
    "a.",
    "a-",
    "a b",
    "//",
    "a=&",
    "--",
    "[[",
    "{{",
    "\\\\",
    "\\u0041",
  ],
  ...['"status":"', '"status" : "', '"incident_id" :', '","a":"', '{"a":', "[P2] [", " on {a} ", "] [TEST] "],
  ...["2025-01-15T10:30:00", "2025-01-15 10:30:14.", "+00:00 ", " m=+1", "1.000"],
  ...['; name="', "; filename=", "content-disposition: form-data; ", "--a\r\n", "boundary=a;"],
  ...[
    "*status*",
    "{{ .Labels }}",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template that was not filled in looks like this.
    "${a}",
    "$a",
    "%(a)s",
    "<no value>",
    "/monitors/#1",
    "/alerting/a/view",
    "npm exec ",
  ],
];
const texts = pieces.flatMap((piece) => {
  const repeated = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
  return [repeated, `a${repeated}\u0000`];
});

const worst = new Map<string, { ms: number; by: string }>();
function timed(reader: string, by: string, read: () => unknown): void {
  const started = performance.now();
  read();
  const ms = performance.now() - started;
  if (ms > (worst.get(reader)?.ms ?? 0)) worst.set(reader, { ms, by: JSON.stringify(by.slice(0, 40)) });
}
const slowOf = (reader: string): object[] =>
  [...worst].filter(([name, { ms }]) => name.startsWith(reader) && ms > boundMs).map(([, one]) => one);

afterAll(() => {
  const shown = [...worst].sort(([, one], [, other]) => other.ms - one.ms).slice(0, 12);
  for (const [reader, { ms, by }] of shown)
    console.log(`redos: ${reader}: at most ${ms.toFixed(1)} ms, by ${by}`);
});

test("every regex of the product", () => {
  const { regexes, unknown } = findRegexes();
  expect(unknown).toEqual([]);
  for (const { pattern, flags, where } of regexes) {
    const regex = new RegExp(pattern, flags);
    for (const text of texts) timed("regex", `${where} ${text.slice(0, 10)}`, () => text.replace(regex, ""));
  }
  expect(slowOf("regex")).toEqual([]);
}, 120_000);

test("no SQL asks Postgres to match a regex", () => {
  const folder = join(import.meta.dirname, "../../projections");
  const files = readdirSync(folder, { recursive: true }).map(String);
  const sql = files
    .filter((name) => name.endsWith(".sql"))
    .map((name) => readFileSync(join(folder, name), "utf8"));
  expect(sql.length).toBeGreaterThan(1);
  expect(sql.filter((text) => /~|\bregexp_|\bsimilar to\b/i.test(text.replace(/--.*$/gm, "")))).toEqual([]);
});

describe("the contract's webhook", () => {
  const fields = {
    incident_id: "a",
    project_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
    repo_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
    status: "up",
    incident_time: "2025-01-15T10:30:00Z",
    monitor_name: "a",
    monitor_id: "a",
    message: "a",
    local_time: "a",
    timezone: "UTC",
  };
  const bodyOf = (text: string) => new TextEncoder().encode(text);

  test("in each field, as JSON and where its template escaped nothing", () => {
    for (const name of Object.keys(fields)) {
      for (const text of texts) {
        const strict = bodyOf(JSON.stringify({ ...fields, [name]: text }));
        const broken = bodyOf(
          JSON.stringify({ ...fields, [name]: "HERE" }).replace("HERE", () => `"${text}`),
        );
        timed("contract", text, () => readContractWebhook(strict));
        timed("contract, broken", text, () => readContractWebhook(broken));
      }
    }
    expect(slowOf("contract")).toEqual([]);
  }, 120_000);

  test("as the whole body", () => {
    for (const text of texts.flatMap((one) => [one, `{${one}}`, `{"status":"${one}`, JSON.stringify(one)])) {
      const body = bodyOf(text);
      timed("contract, whole body", text, () => readContractWebhook(body));
    }
    expect(slowOf("contract, whole")).toEqual([]);
  }, 120_000);
});

test("an instant and a status word", () => {
  for (const text of texts) {
    timed("instant", text, () => parseInstant(text));
    timed("instant", text, () => parseInstant(`2025-01-15T10:30:00${text}`));
    timed("status", text, () => kindOf(text, { UP: "RECOVERY" }));
  }
  expect([...slowOf("instant"), ...slowOf("status")]).toEqual([]);
});

describe("the tools' own webhooks", () => {
  const received_at = instantFromEpochMs(1_736_937_000_000);
  if (received_at === undefined) throw new Error("That is an instant.");

  test("whatever the bytes, with any source", () => {
    const types = [
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=a",
    ];
    for (const text of texts.flatMap((one) => [one, `data=${one}`, `--a\r\n${one}\r\n\r\na\r\n--a--`])) {
      for (const content_type of types) {
        const webhook = { content_type, headers: {}, query: {}, source: "auto", received_at };
        timed("bytes", text, () => parseNative({ ...webhook, body: new TextEncoder().encode(text) }));
      }
    }
    expect(slowOf("bytes")).toEqual([]);
  }, 120_000);

  test.each(sources.map(({ name }) => name))(
    "%s, in each field of a webhook",
    (name) => {
      const source = sources.find((one) => one.name === name);
      const found = fixtures.find((one) => one.source === name && /^alert/.test(one.name));
      if (source === undefined || found === undefined) throw new Error(`${name} has no alert.`);
      for (const leaf of leavesOf(found.payload.body)) {
        for (const text of texts) {
          const payload: SourcePayload = {
            ...found.payload,
            body: withLeaf(found.payload.body, leaf, text),
            text,
          };
          timed(`source ${name}`, `${leaf.join(".")} ${text.slice(0, 20)}`, () => source.read(payload));
        }
        const payload = { ...found.payload, body: withLeaf(found.payload.body, leaf, "[[[[") };
        timed("recognise", name, () => recogniseSource(payload));
      }
      expect(slowOf(`source ${name}`)).toEqual([]);
    },
    120_000,
  );
});

type Path = readonly string[];

/** Where the texts stand. */
function leavesOf(value: unknown, at: Path = []): Path[] {
  if (typeof value === "string") return [at];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...at, name]));
}

/** The same with another text there; only what leads to it is copied. */
function withLeaf(value: unknown, [name, ...rest]: Path, text: string): unknown {
  if (name === undefined) return text;
  const inner = withLeaf((value as Record<string, unknown>)[name], rest, text);
  if (Array.isArray(value)) return value.with(Number(name), inner);
  return { ...(value as object), [name]: inner };
}
