// Requests whose Host header, path or method are odd, over a real socket: the contract's shape, never a fault.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { admission } from "../../src/http/admission.ts";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { heldToSchema } from "./answer-check.ts";
import { adminKey, createHttpSide, type HttpSide, projectA } from "./http-side.ts";

let side: HttpSide;
let server: HttpServer;
beforeAll(async () => {
  side = await createHttpSide();
  // As the service has it: whoever is let in is asked for the key before the routes see the address.
  const nothing = (): void => {};
  const handle = admission({
    handle: side.handle,
    metrics: {
      rejected: nothing,
      request: nothing,
      webhook: nothing,
      repaired: nothing,
      quarantine: () => {},
      leftOut: nothing,
      ignored: nothing,
      unknownStatus: nothing,
      appended: nothing,
      text: async () => ({ contentType: "text/plain", body: "" }),
    },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    newRequestId: () => "made-here",
    maxBodyBytes: 4_096,
  });
  server = serve({ host: "127.0.0.1", port: 0, idleSeconds: 10, handle: heldToSchema(handle) });
});
afterAll(() => server.stop(100));

/** What comes back for these bytes, as text. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

async function ask(request: { method?: string; target: string; host?: string; key?: string }) {
  const { method = "GET", target, host = "ledger", key = `X-API-Key: ${adminKey}\r\n` } = request;
  const answer = await exchange(
    `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${key}Connection: close\r\n\r\n`,
  );
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head, body };
}

const noFault = (): void =>
  expect(side.logged.filter(({ message }) => message.includes("fault"))).toEqual([]);

describe("a Host header", () => {
  for (const host of ["x", "localhost", "127.0.0.1:3000", "[::1]:3000", "a_b", "LEDGER", "..", "host."]) {
    test(`${host} is a host: routed`, async () => {
      const asked = side.asked.length;
      const answer = await ask({ host, target: `/api/projects/${projectA}/incidents/mine?min_position=1` });
      expect(answer.status).toBe(404);
      expect(answer.body).toContain("Incident not found");
      expect(side.asked.slice(asked)).toEqual([["incident", projectA, "mine"]]);
    });
  }

  test("that is empty, or not there in HTTP/1.0, is any host: also a webhook is taken", async () => {
    expect((await ask({ host: "", target: "/health/live" })).status).toBe(200);
    expect(await exchange("GET /health/live HTTP/1.0\r\n\r\n")).toStartWith("HTTP/1.1 200 ");
    const body = JSON.stringify({
      incident_id: "old tool",
      project_uuid: projectA,
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
    });
    const answer = await exchange(
      `POST /api/incidents/webhook/ HTTP/1.0\r\nX-API-Key: ${adminKey}\r\nX-Request-Id: old-1\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toStartWith("HTTP/1.1 200 ");
    expect(answer).toContain("X-Request-Id: old-1");
    expect(side.appended.at(-1)?.event.metadata.$correlationId).toBe("old-1");
    const asked = side.asked.length;
    await ask({ host: "", target: `/api/projects/${projectA}/incidents/a%2Fb?min_position=1` });
    expect(side.asked.slice(asked)).toEqual([["incident", projectA, "a/b"]]);
  });

  const none = [
    "a b",
    "x?y=1",
    "x#y",
    "a/incidents/b",
    "http://x",
    "user:pw@x",
    "[bad",
    "a:b:c",
    "x:99999",
    "%",
    "\xe4",
  ];
  for (const host of none) {
    test(`${JSON.stringify(host)} is none: 400 in the contract's shape, and nothing is asked`, async () => {
      const asked = side.asked.length;
      for (const target of [`/api/projects/${projectA}/incidents/mine`, `/api/projects/${projectA}/mttr`]) {
        const answer = await ask({ host, target });
        expect(answer.status).toBe(400);
        expect(JSON.parse(answer.body)).toMatchObject({ success: false, error: "Invalid request" });
        expect(answer.head).toContain("X-Request-Id: ");
      }
      // Without a header that has the key, it is looked for in the address.
      const answer = await ask({ host, key: "", target: `/api/incidents/webhook/auto?token=${adminKey}` });
      expect(answer.status).toBe(400);
      expect(answer.body).not.toContain(adminKey);
      expect(side.asked.length).toBe(asked);
      noFault();
    });
  }
});

test("a key in an address without a host (HTTP/1.0) is found", async () => {
  const key = await side.keyFor(projectA, ["ingest"]);
  for (const [token, status] of [
    [key, 404],
    ["il_of_nobody", 401],
  ]) {
    const answer = await exchange(`GET /api/incidents/webhook/none?token=${token} HTTP/1.0\r\n\r\n`);
    expect(answer).toStartWith(`HTTP/1.1 ${status} `);
    expect(answer).not.toContain(String(token));
  }
  noFault();
});

describe("a path", () => {
  const odd = [
    "//api/projects",
    "/api//projects",
    "/API/projects",
    "/api/projects%2F",
    "/%",
    "/api/projects/%2e%2e/x",
    `/api/projects/${projectA}/nothing`,
    `/api/projects/${projectA}/incidents/a/b`,
  ];
  for (const target of odd) {
    test(`${target.replace(projectA, "A")} leads nowhere: 404`, async () => {
      const answer = await ask({ target });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toMatchObject({ success: false, error: "Not found" });
      noFault();
    });
  }

  test("whose parts are not percent-encoded UTF-8 is a 400 that names the part", async () => {
    for (const bad of ["%ZZ", "%", "%FF", "%ED%A0%80", "%E4"]) {
      const targets = [
        ["GET", `/api/projects/${bad}`, "project"],
        ["GET", `/api/projects/${bad}/mttr`, "project"],
        ["PATCH", `/api/projects/${bad}`, "project"],
        ["DELETE", `/api/projects/${projectA}/keys/${bad}`, "key"],
      ] as const;
      for (const [method, target, part] of targets) {
        const answer = await ask({ method, target });
        expect([target, answer.status]).toEqual([target, 400]);
        expect(JSON.parse(answer.body).details).toContain(part);
      }
    }
    noFault();
  });

  test("a slash at its end and an absolute target change nothing", async () => {
    const plain = await ask({ target: "/api/projects" });
    expect(plain.status).toBe(200);
    for (const target of ["/api/projects/", "http://other/api/projects"])
      expect((await ask({ target })).body).toBe(plain.body);
  });

  test("a query whose escapes are broken is read as it stands, and refused by name", async () => {
    expect(JSON.parse((await ask({ target: "/api/projects?limit=%ZZ" })).body).details).toContain("limit");
    expect(JSON.parse((await ask({ target: "/api/projects?%00=1" })).body).details).toContain('"\0"');
    noFault();
  });
});

describe("a method that a path does not know", () => {
  for (const method of ["PUT", "OPTIONS", "TRACE", "PROPFIND"]) {
    test(`${method} is a 404 in the contract's shape`, async () => {
      const answer = await ask({ method, target: "/api/projects" });
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body)).toEqual({
        success: false,
        error: "Not found",
        details: expect.any(String) as unknown as string,
      });
    });
  }
});
