// Every error of every route has the contract's shape, tells nothing of the inside and repeats no secret. The routes are
// those of the documentation: a new one is held to this by itself.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Answer, adminKey, instant, projectA, projectB } from "../http/http-side.ts";
import { memoryDisk } from "../spool/memory-disk.ts";
import { createWholeSide, type Route, spoolOn, type WholeSide } from "./whole-side.ts";

const secret = "il_S3CR3T-that-nobody-may-see-again";
let side: WholeSide;
let routes: readonly Route[];
beforeAll(async () => {
  side = await createWholeSide();
  routes = side.routes;
});
afterAll(() => side.stop());

const parts = { project: projectA, incident: "i", key: "k", source: "alertmanager", quarantine: "q" };
const closed = () => routes.filter(({ access }) => access !== "open");
const takesBody = ({ method }: Route): boolean => ["POST", "PUT", "PATCH"].includes(method);
const nameOf = ({ method, template }: Route): string => `${method} ${template}`;

/** `found` says where, so that a failure names the route. */
function expectProblem(route: Route, answer: Answer, statuses: readonly number[]): void {
  const where = `${nameOf(route)} answered ${answer.status}: ${answer.text.slice(0, 300)}`;
  expect(where).toSatisfy(() => statuses.includes(answer.status));
  expect([where, Object.keys(answer.body ?? {})]).toEqual([where, ["success", "error", "details"]]);
  const { success, error, details } = answer.body;
  expect([where, success, typeof error, typeof details]).toEqual([where, false, "string", "string"]);
  expect([where, answer.headers.get("content-type")]).toEqual([where, "application/json; charset=utf-8"]);
  expect([where, route.statuses.includes(answer.status)]).toEqual([where, true]);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("x-request-id")).toBe("made-here");
  expect(answer.text).not.toContain(secret);
  // No schema, no stack, no file, no name of what is inside.
  expect(answer.text).not.toMatch(
    /"(properties|schema|expected|found|anyOf|pattern)"|\.ts\b|\n\s+at |typebox|elysia|postgres:/i,
  );
  if (answer.status === 503 || answer.status === 429)
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
}

describe("every route that needs a key", () => {
  test("there are many", () => expect(closed().length).toBeGreaterThan(20));

  test("answers 401 without one and with an unknown one, and does not repeat it", async () => {
    for (const route of closed()) {
      for (const key of [undefined, "", secret, "x".repeat(10_000)]) {
        const answer = await side.ask(route.method, route.path(parts), {
          ...(key === undefined ? {} : { key }),
          ...(takesBody(route) ? { body: route.body ?? {} } : {}),
        });
        expectProblem(route, answer, [401]);
        expect(answer.headers.get("www-authenticate")).toBe('ApiKey header="X-API-Key"');
      }
    }
  });

  test("answers 401 with a key that may do nothing here", async () => {
    const reader = await side.keyFor(projectA, ["read"]);
    for (const route of closed().filter(({ access }) => access === "admin")) {
      const answer = await side.ask(route.method, route.path(parts), { key: reader, body: route.body ?? {} });
      expectProblem(route, answer, [401]);
    }
  });

  test("answers 404 for a project that is not there, whatever stands in its place", async () => {
    const key = await side.keyFor(projectA, ["ingest", "read"]);
    const none = [
      "5f0c954e-97a5-4d3c-8f5b-000000000000",
      projectB,
      "x",
      "%00",
      "null",
      "__proto__",
      "%F0%9F%98%80",
    ];
    for (const route of closed().filter(({ template }) => template.includes("{project}"))) {
      for (const project of none) {
        const answer = await side.ask(route.method, route.path({ ...parts, project }), {
          key: route.access === "admin" ? adminKey : key,
          ...(takesBody(route) ? { body: route.body ?? {} } : {}),
        });
        if (route.access === "admin" && project === projectB) continue;
        expectProblem(route, answer, [404]);
      }
    }
  });

  test("answers 400 to a parameter that it does not know, and to one that stands there twice", async () => {
    const reading = closed().filter(
      ({ method, template }) => method === "GET" && !template.includes("{source}"),
    );
    for (const route of reading.filter(({ statuses }) => statuses.includes(400))) {
      for (const query of [
        `?nothing=${secret}`,
        `?cursor=${secret}&cursor=x`,
        `?limit=${secret}`,
        "?%00=1",
      ]) {
        const answer = await side.ask("GET", route.path(parts) + query, { key: adminKey });
        expectProblem(route, answer, [400]);
      }
    }
  });

  test("answers 500 without a word of it where something inside fails", async () => {
    let isBroken = false;
    const broken = await createWholeSide({
      now: () => {
        if (isBroken) throw new Error(`${secret} at /home/someone/ledger.ts:7`);
        return instant("2025-03-01T00:00:00Z");
      },
    });
    isBroken = true;
    for (const route of closed()) {
      const answer = await broken.ask(route.method, route.path(parts), {
        key: adminKey,
        ...(takesBody(route) ? { body: route.body ?? {} } : {}),
      });
      expectProblem(route, answer, [500]);
    }
    await broken.stop();
  });
});

describe("every route that takes a body", () => {
  const documented = () => routes.filter(({ body }) => body !== undefined);
  const keyFor = ({ template }: Route): string => (template.includes("{source}") ? "" : adminKey);

  test("there are many", () => expect(documented().length).toBeGreaterThan(6));

  test("answers 400 to what is no JSON, to JSON of another kind, and to fields of another kind", async () => {
    const odd = [
      "",
      "{",
      secret,
      `"${secret}"`,
      "null",
      "[]",
      `[{"name":"${secret}"}]`,
      "7",
      '{"a":',
      "\ufeff{",
      new Uint8Array([0xff, 0xfe, 0x7b]),
      `{"name":{"a":"${secret}"},"label":[],"source":["${secret}"],"matching":"${secret}","incident_id":{"x":"${secret}"}}`,
    ];
    for (const route of documented()) {
      // Without a body it is read again as it was.
      const raws = route.template.endsWith("/redrive") ? odd.filter((raw) => raw !== "") : odd;
      for (const raw of raws) {
        const answer = await side.ask(route.method, route.path(parts), { key: keyFor(route), raw });
        expectProblem(route, answer, [400]);
      }
    }
  });

  test("answers 413 to one that is too long, announced or not", async () => {
    for (const route of routes.filter(takesBody)) {
      const key = route.template.includes("webhook/{source}")
        ? await side.keyFor(projectA, ["ingest"])
        : adminKey;
      const long = "x".repeat(5_000);
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(1_024).fill(32)),
      });
      for (const raw of [long, stream]) {
        const headers = raw === long ? { "Content-Length": "5000" } : {};
        expectProblem(route, await side.ask(route.method, route.path(parts), { key, raw, headers }), [413]);
      }
    }
  });

  test("reads JSON whatever the Content-Type says", async () => {
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json; charset=utf-16",
      "application/problem+json",
      "application/xml",
      "image/png",
      "nonsense",
      ",;=",
      "",
    ];
    for (const route of documented().filter(({ template }) => !template.includes("quarantine"))) {
      const raw = new TextEncoder().encode(JSON.stringify(route.body));
      const asked = { key: adminKey, raw };
      const kindOf = ({ status }: Answer): number => (status === 409 ? 201 : status);
      const plain = await side.ask(route.method, route.path(parts), {
        ...asked,
        headers: { "Content-Type": "application/json" },
      });
      for (const type of types) {
        const answer = await side.ask(route.method, route.path(parts), {
          ...asked,
          headers: { "Content-Type": type },
        });
        expect([nameOf(route), type, kindOf(answer)]).toEqual([nameOf(route), type, kindOf(plain)]);
        expect(answer.status).not.toBe(500);
      }
    }
  });

  test("unpacks what is packed no further than a body may be long", async () => {
    const bomb = Bun.gzipSync(new Uint8Array(3_000_000).fill(32));
    expect(bomb.length).toBeLessThan(4_096);
    for (const route of documented()) {
      const headers = { "Content-Encoding": "gzip", "Content-Type": "application/json" };
      const answer = await side.ask(route.method, route.path(parts), { key: adminKey, raw: bomb, headers });
      expectProblem(route, answer, [413]);
    }
  });
});

test("the read model or the event store that is away is a 503 that says when to come again", async () => {
  const away = (name: string) => async (): Promise<never> => {
    throw Object.assign(new Error(`connect ECONNREFUSED ${secret}`), { name });
  };
  const lost = away("ReadModelUnavailable");
  // Else the spool would take the webhooks.
  const fullDisk = async (): Promise<never> => {
    throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  };
  const without = await createWholeSide({
    openSpool: spoolOn({ ...memoryDisk(), create: fullDisk }),
    queries: { incidents: lost, incident: lost, timeline: lost, pairs: lost, mttr: lost, deadLetters: lost },
  });
  const reading = ["/incidents", "/incidents/{incident}", "/timeline", "/pairs", "/mttr", "/dead-letters"];
  const asked = routes.filter(
    ({ method, template }) => method === "GET" && reading.some((end) => template.endsWith(end)),
  );
  expect(asked.length).toBe(reading.length);
  for (const route of asked)
    expectProblem(route, await without.ask("GET", route.path(parts), { key: adminKey }), [503]);
  without.log.refuse("away");
  const writes = routes.filter(({ method, body }) => method !== "GET" && body !== undefined);
  // A session is stored nowhere.
  const storing = writes.filter(({ template }) => !/\{(quarantine|key)\}|\/session$/.test(template));
  for (const route of storing) {
    const body =
      route.template === "/api/incidents/webhook"
        ? { ...(route.body as object), project_uuid: projectA, repo_uuid: "" }
        : route.body;
    // A change that changes nothing needs no store.
    const answer = await without.ask(route.method, route.path(parts), { key: adminKey, body });
    expectProblem(route, answer, [503]);
  }
  await without.stop();
});

describe("every answer of every route", () => {
  test("says what it is, is not sniffed at, and is no HTML", async () => {
    const key = await side.keyFor(projectA, ["ingest", "read"]);
    const markup = "<script>alert(1)</script>";
    const paths = { ...parts, incident: encodeURIComponent(markup), source: "fields" };
    const signal = {
      incident_id: markup,
      monitor_name: markup,
      message: markup,
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
    };
    await side.ask("POST", "/api/incidents/webhook", { key, body: { ...signal, project_uuid: projectA } });
    await side.ask("POST", "/api/incidents/webhook/alertmanager", { key, raw: markup });
    // The pages come below; a stream does not end.
    for (const route of routes.filter(({ template }) => !/^\/(swagger|$)|\/stream$/.test(template))) {
      for (const secretKey of [key, adminKey, undefined]) {
        const answer = await side.ask(route.method, route.path(paths), {
          ...(secretKey === undefined ? {} : { key: secretKey }),
          ...(takesBody(route) ? { body: route.body ?? signal } : {}),
          headers: { Accept: "text/html", "X-Request-Id": markup },
        });
        const where = `${nameOf(route)} ${answer.status}`;
        expect([where, answer.headers.get("x-content-type-options")]).toEqual([where, "nosniff"]);
        // A handshake is answered without a body.
        if (route.method === "OPTIONS" && answer.status === 200)
          expect([where, answer.text]).toEqual([where, ""]);
        else
          expect(`${where} ${answer.headers.get("content-type")}`).toMatch(
            / (application\/json; charset=utf-8|application\/x-ndjson; charset=utf-8|text\/plain; version=0\.0\.4; charset=utf-8)$/,
          );
        for (const [, value] of answer.headers) expect(value).not.toContain("<");
      }
    }
  });

  test("so does what no route answers, and the documentation", async () => {
    for (const path of [
      "/",
      "/nope",
      "/swagger",
      "/swagger/json",
      "/swagger/assets/start.js",
      "/swagger/assets/nope",
      "/%",
      "/<script>",
    ]) {
      const answer = await side.ask("GET", path);
      expect([path, answer.headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
      const isPage = answer.headers.get("content-type")?.includes("html") === true;
      expect([path, isPage]).toEqual([path, path === "/swagger" || path === "/"]);
    }
  });

  test("the page of the documentation runs scripts from here alone, and none within it", async () => {
    const page = await side.ask("GET", "/swagger");
    const policy = Object.fromEntries(
      (page.headers.get("content-security-policy") ?? "")
        .split(";")
        .map((rule) => rule.trim().split(" "))
        .map(([name, ...rest]) => [name, rest.join(" ")]),
    );
    expect(policy).toMatchObject({
      "default-src": "'self'",
      "script-src": "'self'",
      "object-src": "'none'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|javascript:/i);
  });
});
