// Reads a file of rows, CSV (RFC 4180, the first line names the fields), NDJSON or one JSON document, and hands over one row
// at a time. Knows no field.

import { createReadStream, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { parse } from "csv-parse";

export const fileFormats = ["csv", "ndjson", "json"] as const;
export type FileFormat = (typeof fileFormats)[number];

export type RowFields = Readonly<Record<string, unknown>>;

/** `row` counts the rows of data from 1. `problem` where the row cannot be read. */
export type FileRow =
  | { readonly row: number; readonly fields: RowFields }
  | { readonly row: number; readonly problem: string };

/** A JSON document is read whole. */
const largestDocument = 256 * 1024 * 1024;
const longestRow = 1024 * 1024;

/** By the end of the file's name; undefined where it tells nothing. */
export function formatOf(file: string): FileFormat | undefined {
  const extension = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return extension === "jsonl" ? "ndjson" : fileFormats.find((format) => format === extension);
}

/** Throws where the file as a whole cannot be read: no such file, no list in a JSON document, an unclosed quote in CSV. */
export function readRows(file: string, format: FileFormat): AsyncGenerator<FileRow> {
  switch (format) {
    case "csv":
      return csvRows(file);
    case "ndjson":
      return ndjsonRows(file);
    case "json":
      return jsonRows(file);
    default:
      return format satisfies never;
  }
}

async function* csvRows(file: string): AsyncGenerator<FileRow> {
  const rows = createReadStream(file).pipe(
    parse({ bom: true, columns: uniqueNames, relaxColumnCount: true, maxRecordSize: longestRow }),
  );
  let row = 0;
  for await (const cells of rows as AsyncIterable<Record<string, string>>) {
    row += 1;
    // In CSV an empty cell is how a row leaves a field out.
    yield { row, fields: Object.fromEntries(Object.entries(cells).filter(([, text]) => text !== "")) };
  }
}

function uniqueNames(names: readonly string[]): string[] {
  const trimmed = names.map((name) => name.trim());
  const twice = trimmed.find((name, at) => name !== "" && trimmed.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`The file's first line names "${twice}" twice.`);
  return trimmed;
}

async function* ndjsonRows(file: string): AsyncGenerator<FileRow> {
  let row = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const text = line.replace(/^\uFEFF/, "").trim();
    if (text === "") continue;
    row += 1;
    yield text.length > longestRow
      ? { row, problem: `the line has more than ${longestRow} characters` }
      : asRow(row, parsed(text));
  }
}

async function* jsonRows(file: string): AsyncGenerator<FileRow> {
  if (statSync(file).size > largestDocument) {
    throw new Error(
      `"${file}" is over ${largestDocument} bytes. Convert it to NDJSON, one incident a line: jq -c '.[]'`,
    );
  }
  const document = parsed((await readFile(file, "utf8")).replace(/^\uFEFF/, ""));
  const list = Array.isArray(document) ? document : onlyList(document);
  if (list === undefined)
    throw new Error(`"${file}" is no JSON list, and no object with exactly one list in it.`);
  for (const [index, value] of list.entries()) yield asRow(index + 1, value);
}

/** An export wraps its list in an object: `{"incidents": [...]}`, `{"data": [...]}`. */
function onlyList(document: unknown): readonly unknown[] | undefined {
  if (!isRowFields(document)) return undefined;
  const lists = Object.values(document).filter(Array.isArray);
  return lists.length === 1 ? lists[0] : undefined;
}

const asRow = (row: number, value: unknown): FileRow =>
  isRowFields(value) ? { row, fields: value } : { row, problem: "it is no JSON object" };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isRowFields = (value: unknown): value is RowFields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
