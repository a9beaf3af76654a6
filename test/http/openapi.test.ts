// /swagger/json as others read it: a validator, a generator of clients, a compiler. And the check that holds every answer
// of every test to it can itself fail.

import { describe, expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { heldToSchema, misfit, type OpenApiDocument, servedDocument } from "./answer-check.ts";
import { misfits } from "./misfits.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const document: OpenApiDocument = await servedDocument();

/** Every schema of an answer, with where it stands. */
const answers = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { responses }]) =>
    Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Object.values(content).map((one) => ({ ...one, name: `${method} ${path} ${status}` })),
    ),
  ),
);

async function problemsIn(source: object): Promise<readonly string[]> {
  const config = await createConfig({
    extends: ["spec"],
    rules: {
      "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: false },
      "no-invalid-schema-examples": { severity: "error", allowAdditionalProperties: false },
      "no-schema-type-mismatch": "error",
      "no-required-schema-properties-undefined": "error",
      "operation-tag-defined": "error",
      "operation-summary": "error",
      "operation-operationId": "error",
    },
  });
  const problems = await lintFromString({ source: JSON.stringify(source), config });
  return problems.map(({ ruleId, message, location }) => `${location[0]?.pointer}: ${message} (${ruleId})`);
}

describe("the document", () => {
  test("is valid OpenAPI, examples included", async () => {
    expect(await problemsIn(document)).toEqual([]);
  }, 60_000);

  test("would not be, were an operation without answers or an example of another shape", async () => {
    const { paths } = document;
    const example = { content: { "application/json": { schema: { type: "string" }, example: 1 } } };
    const wrong = [{ get: {} }, { get: { responses: { 200: { description: "A word", ...example } } } }];
    for (const operations of wrong) {
      expect(await problemsIn({ ...document, paths: { ...paths, "/wrong": operations } })).not.toEqual([]);
    }
  }, 60_000);

  test("leaves no object of an answer open, but where the names are the sender's own", () => {
    const open = answers.flatMap(({ name, schema }) => openObjects(schema).map((at) => `${name}: ${at}`));
    expect([...new Set(open.map((one) => one.replace(/^.* \d+: /, "")))].sort()).toEqual([
      "", // status mappings, and this document
      ".data", // an event's, as it lies in the event store
      ".dependencies",
      ".items.items.headers",
      ".items.items.query",
      ".metadata",
    ]);
  });

  test("gives examples that fit their own schemas", () => {
    expect(answers.length).toBeGreaterThan(150);
    for (const { name, schema, example } of answers)
      expect([name, misfit(schema, example)]).toEqual([name, undefined]);
  });

  test("makes a client that compiles", async () => {
    const directory = await mkdtemp(join(tmpdir(), "incident-ledger-client-"));
    try {
      await symlink(join(root, "node_modules"), join(directory, "node_modules"));
      await writeFile(join(directory, "openapi.json"), JSON.stringify(document));
      const generator = join(import.meta.dirname, "generate-client.ts");
      const { stdout } = await run(process.execPath, [generator, join(directory, "openapi.json")], {
        maxBuffer: 10_000_000,
      });
      await writeFile(join(directory, "ledger.ts"), stdout);
      await copyFile(join(import.meta.dirname, "client-program.ts.txt"), join(directory, "program.ts"));
      const options = { strict: true, noEmit: true, module: "esnext", moduleResolution: "bundler" };
      const compilerOptions = { ...options, target: "esnext", allowImportingTsExtensions: true, types: [] };
      await writeFile(
        join(directory, "tsconfig.json"),
        JSON.stringify({ compilerOptions, files: ["program.ts"] }),
      );
      const compiler = join(root, "node_modules/typescript-5/bin/tsc");
      const compiled = await run(process.execPath, [compiler, "-p", directory]).catch((error) => error);
      expect(compiled.stdout).toBe("");
      expect(compiled.code).toBeUndefined();
    } finally {
      await rm(directory, { recursive: true });
    }
  }, 60_000);
});

function openObjects(schema: object, at = ""): readonly string[] {
  const { type, properties, items, additionalProperties } = schema as {
    readonly type?: string;
    readonly properties?: Readonly<Record<string, object>>;
    readonly items?: object;
    readonly additionalProperties?: object | false;
  };
  const isOpen = type === undefined || (type === "object" && additionalProperties !== false);
  return [
    ...(isOpen ? [at] : []),
    ...Object.entries(properties ?? {}).flatMap(([name, one]) => openObjects(one, `${at}.${name}`)),
    ...(items === undefined ? [] : openObjects(items, `${at}.items`)),
  ];
}

describe("an answer is held to its schema", () => {
  const passing = (path: string, body: unknown, options: ResponseInit & { method?: string } = {}) => {
    const { method = "GET", ...init } = options;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "Content-Type": "application/json; charset=utf-8", ...init.headers };
    const handle = heldToSchema(async () => new Response(text, { ...init, headers }));
    return handle(new Request(`http://ledger${path}`, { method })).then((answer) => answer.text());
  };
  const live = { live: true, version: "1.2.3" };
  const error = { success: false, error: "Not found", details: "There is none." };
  const lines = { headers: { "Content-Type": "application/x-ndjson" } };

  test("and passes unchanged where it fits", async () => {
    expect(await passing("/health/live", live)).toBe(JSON.stringify(live));
    expect(await passing("/nowhere", error, { status: 404 })).toBe(JSON.stringify(error));
    expect(await passing("/health/live", "", { method: "HEAD" })).toBe("");
  });

  const wrong: readonly (readonly [string, () => Promise<string>])[] = [
    ["a field too many", () => passing("/health/live", { ...live, more: 1 })],
    ["a field too few", () => passing("/health/live", { live: true })],
    ["a field of another type", () => passing("/health/live", { ...live, version: null })],
    ["a status that is not documented", () => passing("/health/live", live, { status: 201 })],
    ["an error of another shape", () => passing("/health/live", { error: "no" }, { status: 500 })],
    [
      "another content type",
      () => passing("/health/live", "live", { headers: { "Content-Type": "text/html" } }),
    ],
    ["no JSON", () => passing("/health/live", "{")],
    ["a route that is not there", () => passing("/nowhere", live)],
    ["a method that the route has not", () => passing("/health/live", live, { method: "PUT" })],
    ["a line of another shape", () => passing("/api/projects/p/replay", '{"event_id": 1}\n', lines)],
    ["a field too many within", () => passing("/api/projects", { items: [{ x: 1 }], next_cursor: null })],
  ];
  for (const [name, answer] of wrong) {
    test(`and fails for ${name}`, async () => {
      await expect(answer()).rejects.toThrow(/answered \d+, and /);
      // Else this test itself would fail for it (after-all-tests.ts).
      expect(misfits.splice(0)).toHaveLength(1);
    });
  }
});
