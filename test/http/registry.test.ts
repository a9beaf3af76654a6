// Projects, repositories, keys and status mappings over HTTP: field names, statuses, and who may do what.

import { beforeEach, describe, expect, test } from "bun:test";
import { parseInstant } from "../../src/domain/instant.ts";
import {
  type Answer,
  adminKey,
  createHttpSide,
  type HttpSide,
  projectA,
  projectB,
  repoA,
} from "./http-side.ts";

let http: HttpSide;

beforeEach(async () => {
  http = await createHttpSide();
});

const admin = { key: adminKey };
const at = `/api/projects/${projectA}`;

function expectProblem(answer: Answer, status: number, details: RegExp): void {
  expect(answer.body).toEqual({
    success: false,
    error: expect.any(String),
    details: expect.stringMatching(details),
  });
  expect(answer.status).toBe(status);
}

describe("projects", () => {
  test("are registered, shown and changed", async () => {
    const made = await http.ask("POST", "/api/projects", { ...admin, body: { name: " Shop " } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      project_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "Shop",
      matching: "project",
      created_at: "2025-03-01T00:00:00.000Z",
    });
    const where = `/api/projects/${made.body.project_uuid}`;
    expect((await http.ask("GET", where, admin)).body).toEqual(made.body);
    const changed = await http.ask("PATCH", where, { ...admin, body: { matching: "monitor" } });
    expect(changed.body).toEqual({ ...made.body, matching: "monitor" });
    expect((await http.ask("PATCH", where, { ...admin, body: { name: "X" } })).body.matching).toBe("monitor");
  });

  test("are registered once under a given UUID, in either case", async () => {
    const body = { name: "again", project_uuid: projectA.toUpperCase() };
    expectProblem(await http.ask("POST", "/api/projects", { ...admin, body }), 409, /exists already/);
  });

  test("are listed page by page; later ones come at the end", async () => {
    const first = await http.ask("GET", "/api/projects?limit=1", admin);
    expect(first.body.items).toHaveLength(1);
    http.setNow("2025-03-02T00:00:00Z");
    await http.ask("POST", "/api/projects", { ...admin, body: { name: "C" } });
    const rest = await http.ask("GET", `/api/projects?cursor=${first.body.next_cursor}`, admin);
    expect(rest.body.items.map(({ name }: { name: string }) => name)).toEqual(
      ["A", "B", "C"].filter((name) => name !== first.body.items[0].name),
    );
    expect(rest.body.next_cursor).toBeNull();
    expectProblem(await http.ask("GET", "/api/projects?cursor=nonsense", admin), 400, /cursor/);
  });

  const wrong: readonly [unknown, RegExp][] = [
    [{}, /name/],
    [{ name: "" }, /name/],
    [{ name: "x".repeat(201) }, /name.*200/],
    [{ name: 3 }, /name/],
    [{ name: "x", project_uuid: "y" }, /project_uuid/],
    [{ name: "x", nmae: "y" }, /"nmae"/],
    [[], /body/],
  ];
  for (const [body, details] of wrong) {
    test(`cannot be registered as ${JSON.stringify(body).slice(0, 40)}`, async () => {
      expectProblem(await http.ask("POST", "/api/projects", { ...admin, body }), 400, details);
    });
  }

  test("cannot be changed to a matching that there is not", async () => {
    expectProblem(await http.ask("PATCH", at, { ...admin, body: { matching: "none" } }), 400, /matching/);
    expectProblem(await http.ask("PATCH", at, { ...admin, raw: "{" }), 400, /JSON/);
  });
});

describe("repositories", () => {
  test("are registered and listed", async () => {
    const made = await http.ask("POST", `${at}/repositories`, { ...admin, body: { name: "api" } });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      repo_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      project_uuid: projectA,
      name: "api",
      created_at: "2025-03-01T00:00:00.000Z",
    });
    const listed = await http.ask("GET", `${at}/repositories`, admin);
    expect(listed.body.items).toContainEqual(made.body);
    expect(listed.body.items).toHaveLength(2);
    expect((await http.ask("GET", `/api/projects/${projectB}/repositories`, admin)).body.items).toEqual([]);
  });

  test("have one project each", async () => {
    const body = { name: "mine", repo_uuid: repoA };
    const answer = await http.ask("POST", `/api/projects/${projectB}/repositories`, { ...admin, body });
    expectProblem(answer, 409, /in use/);
    expect(answer.text).not.toContain(projectA);
  });
});

describe("keys", () => {
  test("are told once; what is listed and stored has no secret", async () => {
    const made = await http.ask("POST", `${at}/keys`, {
      ...admin,
      body: { label: "Grafana", scopes: ["ingest", "read"], expires_at: "2026-01-01T00:00:00+01:00" },
    });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      key_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      key: expect.stringMatching(/^il_[A-Za-z0-9_-]{43}$/),
      label: "Grafana",
      scopes: ["ingest", "read"],
      expires_at: "2025-12-31T23:00:00.000Z",
      created_at: "2025-03-01T00:00:00.000Z",
      quota: null,
    });
    const listed = await http.ask("GET", `${at}/keys`, admin);
    const { key, ...shown } = made.body;
    expect(listed.body.items).toEqual([
      expect.objectContaining({ ...shown, revoked_at: null, last_used_at: null }),
    ]);
    expect(listed.text + JSON.stringify(http.appended)).not.toContain(key.slice(3));
  });

  test("tell when they were last used: by this process or by what was recorded, whichever is later", async () => {
    const later = parseInstant("2025-04-01T00:00:00Z");
    if (!later.ok) throw new Error(later.problem);
    let recordedUse = new Map<string, typeof later.value>();
    const side = await createHttpSide({ queries: { keyUsage: async () => recordedUse } });
    const key = await side.keyFor(projectA, ["read"]);
    await side.ask("GET", at, { key });
    const listed = await side.ask("GET", `${at}/keys`, admin);
    expect(listed.body.items[0].last_used_at).toBe("2025-03-01T00:00:00.000Z");
    recordedUse = new Map([[listed.body.items[0].key_id, later.value]]);
    const again = await side.ask("GET", `${at}/keys`, admin);
    expect(again.body.items[0].last_used_at).toBe("2025-04-01T00:00:00.000Z");
  });

  test("are listed, and revoked, also while Postgres is away", async () => {
    const side = await createHttpSide({
      queries: { keyUsage: () => Promise.reject(new Error("away")) },
    });
    const key = await side.keyFor(projectA, ["read"]);
    const listed = await side.ask("GET", `${at}/keys`, admin);
    expect(listed.status).toBe(200);
    const [{ key_id }] = listed.body.items;
    const revoked = await side.ask("DELETE", `${at}/keys/${key_id}`, admin);
    expect(revoked.body).toMatchObject({ key_id, revoked_at: "2025-03-01T00:00:00.000Z" });
    expect((await side.ask("GET", at, { key })).status).toBe(401);
    expect((await side.ask("DELETE", `${at}/keys/${key_id}`, admin)).body).toEqual(revoked.body);
  });

  const wrong: readonly [unknown, RegExp][] = [
    [{ scopes: ["read"] }, /label/],
    [{ label: "x" }, /scopes/],
    [{ label: "x", scopes: [] }, /scopes/],
    [{ label: "x", scopes: ["root"] }, /scopes/],
    [{ label: "x", scopes: ["ingest"], quota: { webhooks: 0, per: "second" } }, /quota/],
    [{ label: "x", scopes: ["ingest"], quota: { webhooks: 5, per: "hour" } }, /quota/],
    [{ label: "x", scopes: ["read"], expires_at: "soon" }, /expires_at/],
    [{ label: "x", scopes: ["read"], expires_at: 5 }, /expires_at/],
    [{ label: "x", scopes: ["read"], expires_at: "2025-02-28T00:00:00Z" }, /expires_at.*passed/],
  ];
  for (const [body, details] of wrong) {
    test(`cannot be issued as ${JSON.stringify(body)}`, async () => {
      expectProblem(await http.ask("POST", `${at}/keys`, { ...admin, body }), 400, details);
    });
  }

  test("of another project cannot be revoked through this one", async () => {
    await http.keyFor(projectB, ["read"]);
    const listed = await http.ask("GET", `/api/projects/${projectB}/keys`, admin);
    const answer = await http.ask("DELETE", `${at}/keys/${listed.body.items[0].key_id}`, admin);
    expectProblem(answer, 404, /No key/);
  });
});

describe("status mappings", () => {
  test("are replaced as a whole and shown as they count", async () => {
    const body = { " degraded ": "ALERT", Fine: "RECOVERY", __proto: "ALERT" };
    const put = await http.ask("PUT", `${at}/status-mappings`, { ...admin, body });
    expect(put.body).toEqual({ DEGRADED: "ALERT", FINE: "RECOVERY", __PROTO: "ALERT" });
    expect((await http.ask("GET", `${at}/status-mappings`, admin)).body).toEqual(put.body);
    await http.ask("PUT", `${at}/status-mappings`, { ...admin, body: {} });
    expect((await http.ask("GET", `${at}/status-mappings`, admin)).body).toEqual({});
  });

  for (const body of [{ X: "DOWN" }, { "": "ALERT" }, { x: "ALERT", X: "RECOVERY" }, ["ALERT"], null]) {
    test(`cannot be ${JSON.stringify(body)}`, async () => {
      expectProblem(await http.ask("PUT", `${at}/status-mappings`, { ...admin, body }), 400, /./);
    });
  }
});

describe("who may", () => {
  const changes: readonly [string, string, unknown][] = [
    ["POST", "/api/projects", { name: "x" }],
    ["GET", "/api/projects", undefined],
    ["PATCH", at, { name: "x" }],
    ["POST", `${at}/repositories`, { name: "x" }],
    ["POST", `${at}/keys`, { label: "x", scopes: ["read"] }],
    ["GET", `${at}/keys`, undefined],
    ["DELETE", `${at}/keys/x`, undefined],
    ["PUT", `${at}/status-mappings`, {}],
    ["GET", "/api/admin/dead-letters", undefined],
  ];
  for (const [method, path, body] of changes) {
    test(`${method} ${path.replace(projectA, "A")}: the admin key alone`, async () => {
      const key = await http.keyFor(projectA, ["ingest", "read"]);
      const before = http.appended.length;
      for (const tried of [{}, { key: "wrong" }, { key }]) {
        expectProblem(await http.ask(method, path, { ...tried, body }), 401, /./);
      }
      expect(http.appended.length).toBe(before);
      expect((await http.ask(method, path, { ...admin, body })).status).not.toBe(401);
    });
  }

  const reads = [
    "",
    "/repositories",
    "/status-mappings",
    "/incidents",
    "/incidents/i",
    "/incidents/i/timeline",
  ];
  for (const rest of [...reads, "/pairs", "/mttr", "/incidents/i/replay", "/replay"]) {
    test(`GET A${rest}: a key of the project that reads, or the admin key`, async () => {
      const path = `${at}${rest}`;
      const reader = await http.keyFor(projectA, ["read"]);
      const ingester = await http.keyFor(projectA, ["ingest"]);
      const foreign = await http.keyFor(projectB, ["read", "ingest"]);
      expectProblem(await http.ask("GET", path), 401, /./);
      expectProblem(await http.ask("GET", path, { key: "wrong" }), 401, /./);
      expectProblem(await http.ask("GET", path, { key: ingester }), 401, /"read"/);
      const asForeign = await http.ask("GET", path, { key: foreign });
      const nowhere = "5f0c954e-97a5-4d3c-8f5b-000000000000";
      const unknown = await http.ask("GET", path.replace(projectA, nowhere), { key: foreign });
      expectProblem(asForeign, 404, /^Project with UUID/);
      expect(asForeign.text.replace(projectA, "")).toBe(unknown.text.replace(nowhere, ""));
      for (const key of [reader, adminKey]) {
        const answer = await http.ask("GET", path, { key });
        expect(answer.body?.error ?? "Incident not found").toBe("Incident not found");
      }
    });
  }

  test("a project that is no UUID is not found", async () => {
    expectProblem(await http.ask("GET", "/api/projects/1'%20or%201=1/mttr", admin), 404, /not found/);
  });
});
