// Rows out of files: CSV with everything that RFC 4180 allows, NDJSON, JSON documents, and what cannot be read.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileFormat, type FileRow, formatOf, readRows } from "../../src/import/read-rows.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "incident-ledger-test-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function rows(format: FileFormat, text: string): Promise<FileRow[]> {
  const file = join(directory, `rows.${format}`);
  writeFileSync(file, text);
  const all: FileRow[] = [];
  for await (const row of readRows(file, format)) all.push(row);
  return all;
}

describe("CSV", () => {
  test("with quotes, commas, line ends in a cell, a BOM and CRLF", async () => {
    const text = '\uFEFFincident_id,message\r\na,"He said ""no"", twice\nand left"\r\nb,\r\n';
    expect(await rows("csv", text)).toEqual([
      { row: 1, fields: { incident_id: "a", message: 'He said "no", twice\nand left' } },
      { row: 2, fields: { incident_id: "b" } },
    ]);
  });

  test("that names a field twice, or leaves a quote open, is refused whole", async () => {
    await expect(rows("csv", "status,status\nUP,DOWN\n")).rejects.toThrow('names "status" twice');
    await expect(rows("csv", 'status\n"UP\n')).rejects.toThrow(/quote/i);
  });

  test("names like __proto__ are names", async () => {
    const [row] = await rows("csv", "__proto__,status\nx,UP\n");
    expect(row !== undefined && "fields" in row && Object.hasOwn(row.fields, "status")).toBe(true);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

test("NDJSON skips empty lines and names the row that is none", async () => {
  expect(await rows("ndjson", '{"a":1}\n\n[1]\n{broken\n{"b":2}')).toEqual([
    { row: 1, fields: { a: 1 } },
    { row: 2, problem: "it is no JSON object" },
    { row: 3, problem: "it is no JSON object" },
    { row: 4, fields: { b: 2 } },
  ]);
});

test("a JSON document is a list, or an object with one list in it", async () => {
  const expected: FileRow[] = [{ row: 1, fields: { id: "Q1" } }];
  expect(await rows("json", '[{"id":"Q1"}]')).toEqual(expected);
  expect(await rows("json", '{"incidents":[{"id":"Q1"}],"limit":25}')).toEqual(expected);
  await expect(rows("json", '{"limit":25}')).rejects.toThrow("no JSON list");
  await expect(rows("json", "{")).rejects.toThrow("no JSON list");
});

test("the file's name tells its format", () => {
  expect(["a.csv", "a.JSONL", "a.ndjson", "a.json", "a.txt", "a"].map(formatOf)).toEqual([
    "csv",
    "ndjson",
    "ndjson",
    "json",
    undefined,
    undefined,
  ]);
});
