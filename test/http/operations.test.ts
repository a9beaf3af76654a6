// Health, metrics, dead letters and the log lines of requests.

import { describe, expect, test } from "bun:test";
import { adminKey, createHttpSide, projectA } from "./http-side.ts";

describe("health", () => {
  test("live says so without asking anybody", async () => {
    const http = await createHttpSide({ dependencies: () => new Promise(() => {}) });
    const answer = await http.ask("GET", "/health/live");
    expect([answer.status, answer.body]).toEqual([200, { live: true, version: "1.2.3" }]);
    expect((await http.ask("HEAD", "/health/live")).status).toBe(200);
  });

  test("ready is 200 while all is there, 503 with the same names while one is not", async () => {
    let postgres = { ok: true, detail: "ok" };
    const http = await createHttpSide({
      dependencies: async () => ({ event_store: { ok: true, detail: "ok" }, postgres }),
    });
    const well = await http.ask("GET", "/health/ready");
    expect([well.status, well.body.ready]).toEqual([200, true]);
    postgres = { ok: false, detail: "no answer" };
    const ill = await http.ask("GET", "/health/ready");
    expect(ill.status).toBe(503);
    expect(ill.body).toEqual({
      ready: false,
      dependencies: { event_store: { ok: true, detail: "ok" }, postgres },
    });
  });
});

describe("ingest", () => {
  test("is 200 while webhooks are acknowledged, 503 with the reason while none is", async () => {
    let problem: string | undefined;
    const http = await createHttpSide({ takesWebhooks: async () => problem });
    const well = await http.ask("GET", "/health/ingest");
    expect([well.status, well.body]).toEqual([200, { takes_webhooks: true, detail: "ok" }]);
    problem = "the spool: full";
    const ill = await http.ask("GET", "/health/ingest");
    expect([ill.status, ill.body]).toEqual([503, { takes_webhooks: false, detail: problem }]);
  });
});

describe("metrics", () => {
  test("are Prometheus text with lag, dead letters and durations by route pattern, never by raw path", async () => {
    const http = await createHttpSide();
    await http.ask("GET", `/api/projects/${projectA}/incidents/secret-name/timeline`, { key: adminKey });
    await new Promise((resolve) => setImmediate(resolve));
    const answer = await http.ask("GET", "/metrics");
    expect(answer.headers.get("content-type")).toStartWith("text/plain");
    for (const line of [
      "ledger_projector_lag_seconds 1.5",
      "ledger_projector_lag_bytes 300",
      "ledger_projector_position 4711",
      "ledger_dead_letters 2",
      'ledger_http_request_duration_seconds_count{method="GET",route="/api/projects/:project/incidents/:incident/timeline",status="200"} 1',
    ]) {
      expect(answer.text).toContain(`${line}\n`);
    }
    expect(answer.text).not.toContain("secret-name");
    expect(answer.text).not.toContain(projectA);
  });

  test("ask for METRICS_KEY where it is set, however a scraper sends it, and for no other key", async () => {
    const metricsKey = "the-key-of-the-scraper";
    const http = await createHttpSide({ metricsKey });
    const basic = Buffer.from(`prometheus:${metricsKey}`).toString("base64");
    for (const headers of [
      { Authorization: `Bearer ${metricsKey}` },
      { Authorization: `Basic ${basic}` },
      { "X-API-Key": metricsKey },
    ]) {
      expect((await http.ask("GET", "/metrics", { headers })).status).toBe(200);
    }
    const own = await http.keyFor(projectA, ["read"]);
    for (const key of [adminKey, own, `${metricsKey}x`, ""]) {
      const answer = await http.ask("GET", "/metrics", { key });
      expect([key, answer.status, answer.body.error]).toEqual([key, 401, "Metrics key required"]);
    }
    expect((await http.ask("GET", "/metrics")).status).toBe(401);
    expect((await http.ask("GET", "/health/ready")).status).toBe(200);
  });
});

describe("requests that failed", () => {
  test("are counted as failed, on their route where there is one", async () => {
    const http = await createHttpSide({
      queries: { mttr: () => Promise.reject(new Error("a bug")) },
    });
    await http.ask("GET", `/api/projects/${projectA}/mttr`, { key: adminKey });
    await http.ask("GET", `/api/projects/${projectA}/mttr`);
    await http.ask("GET", "/nowhere");
    await http.ask("PROPFIND", "/api/projects");
    await new Promise((resolve) => setImmediate(resolve));
    const { text } = await http.ask("GET", "/metrics");
    for (const labels of [
      'method="GET",route="/api/projects/:project/mttr",status="500"',
      'method="GET",route="/api/projects/:project/mttr",status="401"',
      'method="GET",route="unknown",status="404"',
      'method="other",route="unknown",status="404"',
    ]) {
      expect(text).toContain(`ledger_http_request_duration_seconds_count{${labels}} 1\n`);
    }
  });
});

describe("dead letters", () => {
  test("are listed for the admin key", async () => {
    const letter = { position: "9", event_id: "e", stream: "s", type: "t", reason: "r" };
    const asked: unknown[] = [];
    const http = await createHttpSide({
      queries: {
        deadLetters: async (page) => {
          asked.push(page);
          return { items: [letter], next_cursor: "more" };
        },
      },
    });
    const answer = await http.ask("GET", "/api/admin/dead-letters?limit=1&cursor=c", { key: adminKey });
    expect(answer.body).toEqual({ items: [letter], next_cursor: "more" });
    expect(asked).toEqual([{ limit: 1, cursor: "c" }]);
  });
});

describe("dead letters tried again", () => {
  test("one by its position, with its outcome and why it still fails", async () => {
    const asked: bigint[] = [];
    const http = await createHttpSide({
      deadLetters: {
        one: async (position) => {
          asked.push(position);
          if (position === 9n) return { tag: "applied" };
          return position === 2n ** 64n - 1n ? { tag: "failing", reason: "r" } : undefined;
        },
        all: async () => ({ applied: 1, failing: 2, waiting: 3 }),
      },
    });
    const redrive = async (position: string, key = adminKey) => {
      const { status, body } = await http.ask("POST", `/api/admin/dead-letters/${position}/redrive`, { key });
      return [status, body];
    };
    expect(await redrive("9")).toEqual([200, { position: "9", outcome: "applied", reason: null }]);
    const most = String(2n ** 64n - 1n);
    expect(await redrive(most)).toEqual([200, { position: most, outcome: "failing", reason: "r" }]);
    for (const unknown of ["8", "x", "-1", "1".repeat(21), "9%20"]) {
      expect(await redrive(unknown)).toEqual([
        404,
        {
          success: false,
          error: "Not found",
          details: `No dead letter at position '${decodeURIComponent(unknown)}'`,
        },
      ]);
    }
    expect(asked).toEqual([9n, 2n ** 64n - 1n, 8n]);
    const key = await http.keyFor(projectA, ["ingest", "read"]);
    expect((await redrive("9", key))[0]).toBe(401);
    expect((await http.ask("POST", "/api/admin/dead-letters/redrive", { key })).status).toBe(401);
    expect((await http.ask("POST", "/api/admin/dead-letters/redrive", { key: adminKey })).body).toEqual({
      applied: 1,
      failing: 2,
      waiting: 3,
    });
  });

  test("whatever the body says, as long as it is short", async () => {
    const http = await createHttpSide();
    const ask = (raw: string) => http.ask("POST", "/api/admin/dead-letters/redrive", { key: adminKey, raw });
    for (const raw of ["", "{", "[]", '{"position":"9"}']) expect((await ask(raw)).status).toBe(200);
    expect((await ask("x".repeat(5_000))).status).toBe(413);
  });

  test("503 while Postgres is away", async () => {
    const away = () => Promise.reject(Object.assign(new Error(), { name: "ReadModelUnavailable" }));
    const http = await createHttpSide({ deadLetters: { one: away, all: away } });
    for (const path of ["9/redrive", "redrive"]) {
      const answer = await http.ask("POST", `/api/admin/dead-letters/${path}`, { key: adminKey });
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    }
  });
});

describe("a request's log line", () => {
  test("has id, method, route and status, and neither key nor body", async () => {
    const http = await createHttpSide();
    await http.ask("POST", "/api/incidents/webhook", {
      key: "il_some-secret",
      raw: "some body",
      headers: { "X-Request-Id": "line-1" },
    });
    await new Promise((resolve) => setImmediate(resolve));
    const line = http.logged.find(
      ({ details }) => "request_id" in details && details.request_id === "line-1",
    );
    expect(line).toEqual({
      details: {
        request_id: "line-1",
        method: "POST",
        route: "/api/incidents/webhook",
        status: 401,
        ms: expect.any(Number),
      },
      message: "request",
    });
    expect(JSON.stringify(http.logged)).not.toContain("il_some-secret");
  });
});
