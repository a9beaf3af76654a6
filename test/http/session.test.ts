// Signing in to the dashboard: the routes that a cookie opens, its origins, and its end.

import { beforeEach, describe, expect, test } from "bun:test";
import { type Answer, adminKey, createHttpSide, type HttpSide, projectA, projectB } from "./http-side.ts";

let http: HttpSide;
beforeEach(async () => {
  http = await createHttpSide();
});

const ownPage = { "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json" };
const signIn = (body: object, headers: object = ownPage): Promise<Answer> =>
  http.ask("POST", "/api/session", { body, headers: { ...headers } });
const cookieOf = (answer: Answer): string => (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
const withCookie = async (key: string): Promise<{ Cookie: string }> => ({
  Cookie: cookieOf(await signIn({ key })),
});

describe("signing in", () => {
  test("the admin key becomes a cookie that no script, no other site and no other path can have", async () => {
    const answer = await signIn({ key: adminKey });
    expect([answer.status, answer.body]).toEqual([
      201,
      { role: "admin", project_uuid: null, label: null, scopes: ["ingest", "read"] },
    ]);
    const cookie = answer.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^ledger_session=[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1209600$/);
    expect(cookie).not.toContain(adminKey);
    expect(answer.text).not.toContain(adminKey);
  });

  test("over HTTPS, as the page's origin tells, the cookie is bound to this host", async () => {
    const answer = await signIn(
      { key: adminKey },
      { Origin: "https://ledger", Host: "ledger", "Content-Type": "application/json" },
    );
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Host-ledger_session=[^;]+; Secure; Path=\/; HttpOnly/,
    );
    const seen = await http.ask("GET", "/api/session", { headers: { Cookie: cookieOf(answer) } });
    expect(seen.body.role).toBe("admin");
  });

  test("a project's key signs in where it may read, and sees its own project alone", async () => {
    const cookie = await withCookie(await http.keyFor(projectA, ["read"]));
    const seen = await http.ask("GET", "/api/session", { headers: cookie });
    expect(seen.body).toEqual({ role: "project", project_uuid: projectA, label: "test", scopes: ["read"] });
    const statuses = [];
    for (const path of [
      `/api/projects/${projectA}/incidents`,
      `/api/projects/${projectB}/incidents`,
      "/api/projects",
    ])
      statuses.push((await http.ask("GET", path, { headers: cookie })).status);
    expect(statuses).toEqual([200, 404, 401]);
    expect((await signIn({ key: await http.keyFor(projectA, ["ingest"]) })).body.error).toBe(
      "Insufficient scope",
    );
  });

  test("a wrong key, no key and a used link are refused, and no cookie comes with it", async () => {
    for (const body of [{ key: "wrong" }, {}, { link: "guessed" }]) {
      const answer = await signIn(body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
  });

  test("from another page nobody signs in or out", async () => {
    for (const headers of [
      {},
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { Origin: "http://evil", Host: "ledger" },
      { Origin: "null", Host: "ledger" },
    ])
      expect((await signIn({ key: adminKey }, headers)).body?.error).toBe("Not from this page");
    const cookie = await withCookie(adminKey);
    expect((await http.ask("DELETE", "/api/session", { headers: cookie })).status).toBe(401);
    expect((await http.ask("GET", "/api/session", { headers: cookie })).status).toBe(200);
  });

  test("after thirty wrong keys even the right one has to wait a moment", async () => {
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 30; attempt++)
      statuses.add((await signIn({ key: `wrong-${attempt}` })).status);
    expect([...statuses]).toEqual([401]);
    const late = await signIn({ key: adminKey });
    expect([late.status, Number(late.headers.get("retry-after")) > 0]).toEqual([429, true]);
  });

  test("right keys never use up the attempts", async () => {
    for (let attempt = 0; attempt < 40; attempt++) expect((await signIn({ key: adminKey })).status).toBe(201);
  });
});

describe("a session", () => {
  test("is over when its key is revoked or expires, and after signing out", async () => {
    const key = await http.keyFor(projectA, ["read"], "2025-03-02T00:00:00Z");
    const cookie = await withCookie(key);
    const path = `/api/projects/${projectA}/incidents`;
    const status = async (): Promise<number> => (await http.ask("GET", path, { headers: cookie })).status;
    expect(await status()).toBe(200);
    http.setNow("2025-03-02T00:00:00Z");
    expect(await status()).toBe(401);
    http.setNow("2025-03-01T00:00:00Z");
    const [item] = (await http.ask("GET", `/api/projects/${projectA}/keys`, { key: adminKey })).body.items;
    await http.ask("DELETE", `/api/projects/${projectA}/keys/${item.key_id}`, { key: adminKey });
    expect(await status()).toBe(401);

    const admin = await withCookie(adminKey);
    const out = await http.ask("DELETE", "/api/session", { headers: { ...admin, ...ownPage } });
    expect(out.headers.get("set-cookie")).toMatch(/^ledger_session=; .*Max-Age=0$/);
    expect((await http.ask("GET", "/api/projects", { headers: admin })).status).toBe(401);
  });

  test("writes only from the dashboard's own page, and only JSON", async () => {
    const cookie = await withCookie(adminKey);
    const create = (headers: object): Promise<Answer> =>
      http.ask("POST", "/api/projects", { body: { name: "New" }, headers: { ...cookie, ...headers } });
    const refused = [
      { "Content-Type": "application/json" },
      { "Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", Origin: "http://ledger" },
      { "Content-Type": "application/json", "Sec-Fetch-Site": "same-site" },
      { "Content-Type": "text/plain", "Sec-Fetch-Site": "same-origin" },
      { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin" },
    ];
    const before = http.appended.length;
    for (const headers of refused) expect((await create(headers)).status).toBeGreaterThanOrEqual(400);
    expect(http.appended.length).toBe(before);
    expect((await create(ownPage)).status).toBe(201);
    expect(
      (await create({ "Content-Type": "application/json", Origin: "http://ledger", Host: "ledger" })).status,
    ).toBe(201);
  });

  test("records no webhook: a cookie is no key there", async () => {
    const cookie = await withCookie(adminKey);
    for (const path of ["/api/incidents/webhook", "/api/incidents/webhook/fields"]) {
      const answer = await http.ask("POST", path, { body: {}, headers: { ...cookie, ...ownPage } });
      expect(answer.body.error).toBe("Missing API key");
    }
  });

  test("gives way to a key that is sent beside it", async () => {
    const cookie = await withCookie(adminKey);
    const answer = await http.ask("GET", "/api/projects", { key: "wrong", headers: cookie });
    expect(answer.body.error).toBe("Invalid API key");
  });
});
