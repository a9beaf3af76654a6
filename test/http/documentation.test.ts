// The documentation: OpenAPI that describes every route with examples and errors, and a page that needs no internet.

import { beforeAll, describe, expect, test } from "bun:test";
import { type Answer, adminKey, createHttpSide, type HttpSide, projectA } from "./http-side.ts";

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { name: string; in: string; required: boolean; description: string }[];
  readonly requestBody?: { content: Record<string, Content> };
  readonly responses: Readonly<Record<string, { description: string; content?: Record<string, Content> }>>;
}
interface Content {
  readonly schema: { readonly properties?: object; readonly example?: unknown };
  readonly example?: unknown;
}

let http: HttpSide;
let page: Answer;
let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
let whole: { openapi: string; info: { title: string; version: string }; components: object };

beforeAll(async () => {
  http = await createHttpSide();
  page = await http.ask("GET", "/swagger");
  whole = (await http.ask("GET", "/swagger/json")).body;
  paths = (whole as unknown as { paths: typeof paths }).paths;
});

const operations = () =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

describe("OpenAPI", () => {
  test("describes every route of the contract", () => {
    const p = "/api/projects/{project}";
    expect(
      operations()
        .map(({ path, method }) => `${method} ${path}`)
        .sort(),
    ).toEqual(
      [
        "post /api/incidents/webhook",
        "get /",
        "get /dashboard/{file}",
        "post /api/session",
        "get /api/session",
        "delete /api/session",
        `get ${p}/stream`,
        "get /swagger",
        "get /swagger/json",
        "get /swagger/assets/{file}",
        "post /api/incidents/webhook/{source}",
        "put /api/incidents/webhook/{source}",
        "get /api/incidents/webhook/{source}",
        "options /api/incidents/webhook/{source}",
        "get /api/sources",
        "post /api/sources/{source}/preview",
        `get ${p}/quarantine`,
        `post ${p}/quarantine/{quarantine}/redrive`,
        "post /api/projects",
        "get /api/projects",
        `get ${p}`,
        `patch ${p}`,
        `post ${p}/repositories`,
        `get ${p}/repositories`,
        `post ${p}/keys`,
        `get ${p}/keys`,
        `patch ${p}/keys/{key}`,
        `delete ${p}/keys/{key}`,
        `put ${p}/status-mappings`,
        `patch ${p}/status-mappings`,
        `get ${p}/status-mappings`,
        `get ${p}/sources`,
        `get ${p}/unknown-statuses`,
        `get ${p}/incidents`,
        `get ${p}/incidents/{incident}`,
        `get ${p}/incidents/{incident}/timeline`,
        `get ${p}/pairs`,
        `get ${p}/mttr`,
        `get ${p}/incidents/{incident}/replay`,
        `get ${p}/replay`,
        "get /health/live",
        "get /health/ready",
        "get /health/ingest",
        "get /metrics",
        "get /api/admin/dead-letters",
        "post /api/admin/dead-letters/redrive",
        "post /api/admin/dead-letters/{position}/redrive",
      ].sort(),
    );
  });

  test("is 3.0, with a name and both kinds of key", () => {
    expect(whole).toMatchObject({
      openapi: "3.0.3",
      info: { title: "Incident Ledger", version: "1.2.3" },
      components: {
        securitySchemes: {
          apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
          adminKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        },
      },
    });
  });

  test("gives each route a tag, a summary, an example of its answer, its path's parameters and its errors", () => {
    const ids = new Set<string>();
    for (const { path, method, operation } of operations()) {
      ids.add(operation.operationId);
      expect(operation.tags).toHaveLength(1);
      expect(operation.summary).toMatch(/^[A-Z].{5,}/);
      const named = (operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));
      for (const parameter of operation.parameters ?? []) expect(parameter.description).not.toBe("");
      const statuses = Object.keys(operation.responses);
      const isOpen = operation.security.length === 0;
      if (!isOpen) expect(statuses).toEqual(expect.arrayContaining(["401", "500", "503"]));
      for (const [status, response] of Object.entries(operation.responses)) {
        const [content] = Object.values(response.content ?? {});
        if (status === "302" || (method === "options" && status === "200")) {
          expect(content).toBeUndefined();
          continue;
        }
        expect(content?.example ?? content?.schema.example).toBeDefined();
        if (Number(status) >= 400 && !isOpen) {
          expect(content?.example).toEqual({
            success: false,
            error: expect.any(String),
            details: expect.any(String),
          });
        }
      }
      for (const content of Object.values(operation.requestBody?.content ?? {})) {
        expect(content.schema.example).toBeDefined();
      }
    }
    expect(ids.size).toBe(operations().length);
  });

  test("has nothing that only other versions of it know", () => {
    const text = JSON.stringify(whole);
    expect(text).not.toMatch(/"(const|examples|patternProperties|\$id)":/);
    expect(text).not.toContain('"type":"null"');
    expect(text).not.toContain("$ref");
  });

  test("shows the examples that the routes themselves take", async () => {
    const bodies = operations().filter(({ path }) => path === "/api/projects/{project}/keys");
    const example = bodies.find(({ method }) => method === "post")?.operation.requestBody?.content[
      "application/json"
    ]?.schema.example;
    const made = await http.ask("POST", `/api/projects/${projectA}/keys`, { key: adminKey, body: example });
    expect(made.status).toBe(201);
    const webhook = paths["/api/incidents/webhook"]?.post?.requestBody?.content["application/json"]?.schema;
    expect(
      (await http.ask("POST", "/api/incidents/webhook", { key: made.body.key, body: webhook?.example })).body,
    ).toMatchObject({ success: true });
  });
});

describe("the page", () => {
  test("loads what it needs from the service alone, and every such file is there", async () => {
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toStartWith("text/html");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
    expect(page.text).not.toMatch(/https?:|\/\/[a-z]/);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = ""]) => file);
    expect(files).toHaveLength(3);
    const sizes: number[] = [];
    for (const file of files) {
      const answer = await http.ask("GET", file);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toMatch(/^text\/(css|javascript)/);
      sizes.push(answer.text.length);
    }
    expect(Math.max(...sizes)).toBeGreaterThan(100_000);
    const starter = await http.ask("GET", files.at(-1) ?? "");
    expect(starter.text).toContain('url: "/swagger/json"');
  });

  test("is also there with a slash at the end, and / shows something else", async () => {
    expect((await http.ask("GET", "/swagger/")).text).toBe(page.text);
    const root = await http.ask("GET", "/");
    expect([root.status, root.text === page.text]).toEqual([200, false]);
  });

  test("gives out no other file", async () => {
    for (const name of ["package.json", "..%2fpackage.json", "constructor", "swagger-ui.js"]) {
      expect((await http.ask("GET", `/swagger/assets/${name}`)).status).toBe(404);
    }
  });
});
