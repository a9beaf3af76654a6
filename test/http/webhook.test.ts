// The ingest contract's route: answers, errors, and the order in which things are looked at.

import { beforeEach, describe, expect, test } from "bun:test";
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
let key: string;

beforeEach(async () => {
  http = await createHttpSide();
  key = await http.keyFor(projectA, ["ingest"]);
});

const down = {
  incident_id: "checkout-api",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};
const path = "/api/incidents/webhook/";
const send = (body: unknown, more: { key?: string } = { key }): Promise<Answer> =>
  http.ask("POST", path, { ...more, body });
const signals = () => http.appended.filter(({ event }) => event.type === "IncidentSignalRecorded");

function expectProblem(answer: Answer, status: number, details: RegExp): void {
  expect(answer.body).toEqual({
    success: false,
    error: expect.any(String),
    details: expect.stringMatching(details),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
}

describe("a webhook", () => {
  test("is stored and answered in the contract's words, with and without the slash", async () => {
    const answer = await send(down);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      success: true,
      message: "Incident recorded successfully",
      incident_id: "checkout-api",
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: "ALERT",
      position: expect.stringMatching(/^\d+$/),
    });
    const [stored] = signals();
    expect(stored?.stream).toBe(`incident-${projectA}.checkout-api`);
    expect(stored?.event.metadata).toMatchObject({
      source: "contract",
      received_at: "2025-03-01T00:00:00.000000000Z",
      $correlationId: "made-here",
    });
    const again = await http.ask("POST", "/api/incidents/webhook", { key, body: { ...down, status: "up" } });
    expect(again.body.kind).toBe("RECOVERY");
  });

  test("sent again gets the very same answer and stores nothing", async () => {
    const first = await send(down);
    const second = await send(down);
    expect(second.text).toBe(first.text);
    expect(signals()).toHaveLength(1);
  });

  for (const type of [
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
  ]) {
    test(`is JSON also as "${type}"`, async () => {
      const headers = { "Content-Type": type };
      const raw = new TextEncoder().encode(JSON.stringify(down));
      expect((await http.ask("POST", path, { key, raw, headers })).status).toBe(200);
    });
  }

  test("keeps the sender's request id, where it is harmless, in event and answer", async () => {
    const answer = await http.ask("POST", path, { key, body: down, headers: { "X-Request-Id": "req-1" } });
    expect(answer.headers.get("x-request-id")).toBe("req-1");
    expect(signals()[0]?.event.metadata.$correlationId).toBe("req-1");
    const odd = await http.ask("POST", path, { key, body: down, headers: { "X-Request-Id": 'a"b{}' } });
    expect(odd.headers.get("x-request-id")).toBe("made-here");
  });

  test("with a status that nobody knows is recorded, counted and logged", async () => {
    const answer = await send({ ...down, status: "Degraded" });
    expect(answer.body.kind).toBeNull();
    expect((await http.ask("GET", "/metrics")).text).toContain("ledger_unknown_statuses_total 1");
    expect(http.logged.some(({ details }) => JSON.stringify(details).includes("Degraded"))).toBe(true);
  });

  test("is answered with the project's own mapping", async () => {
    await http.ask("PUT", `/api/projects/${projectA}/status-mappings`, {
      key: adminKey,
      body: { degraded: "ALERT" },
    });
    expect((await send({ ...down, status: "Degraded" })).body.kind).toBe("ALERT");
  });

  test("of a repository of the project is recorded; an empty repo_uuid counts as absent", async () => {
    expect((await send({ ...down, repo_uuid: repoA })).status).toBe(200);
    expect((await send({ ...down, repo_uuid: "" })).status).toBe(200);
  });

  test("whose JSON a tool broke is read, and says so", async () => {
    const raw = `{"incident_id": "a", "project_uuid": "${projectA}", "status": "DOWN", "incident_time": "2025-01-15 10:30:00", "message": "say "hi""}`;
    const answer = await http.ask("POST", path, { key, raw });
    expect(answer.body).toMatchObject({ success: true, repaired: true });
    expect(signals()[0]?.event.data).toMatchObject({ message: 'say "hi"', payload: raw });
    expect((await http.ask("GET", "/metrics")).text).toContain("ledger_webhooks_repaired_total 1");
  });

  test("of Uptime Kuma's Test button arrives, and nothing is recorded", async () => {
    const test = {
      ...down,
      incident_id: "",
      monitor_name: "",
      message: "My Alert Testing",
      status: "pending",
    };
    const answer = await send(test);
    expect(answer.body).toMatchObject({
      success: true,
      message: expect.stringContaining("nothing was recorded"),
    });
    expect(signals()).toEqual([]);
    expectProblem(await send({ ...test, project_uuid: projectB }), 404, /not found/);
  });
});

describe("a webhook is refused", () => {
  test("without a key, with a wrong, revoked or expired one: 401, and the body is not looked at", async () => {
    const keys = (await http.ask("GET", `/api/projects/${projectA}/keys`, { key: adminKey })).body.items;
    await http.ask("DELETE", `/api/projects/${projectA}/keys/${keys[0].key_id}`, { key: adminKey });
    const brief = await http.keyFor(projectA, ["ingest"], "2025-03-01T00:00:10Z");
    expect((await send(down, { key: brief })).status).toBe(200);
    http.setNow("2025-03-01T00:00:10Z");
    const readings: string[] = [];
    for (const secret of [undefined, "", "wrong", key, brief]) {
      const body = new ReadableStream(
        {
          pull: (controller) => {
            readings.push(String(secret));
            controller.enqueue(new TextEncoder().encode("{oops"));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const headers = secret === undefined ? {} : { "X-API-Key": secret };
      const answer = await http.handle(
        new Request(`http://ledger${path}`, { method: "POST", headers, body }),
      );
      expect(answer.status).toBe(401);
      expect(Object.keys((await answer.json()) as object)).toEqual(["success", "error", "details"]);
    }
    expect(readings).toEqual([]);
  });

  test("with a key that lacks the scope: 401 that names it", async () => {
    const reader = await http.keyFor(projectA, ["read"]);
    expectProblem(await send(down, { key: reader }), 401, /"ingest"/);
  });

  test("with another project's key exactly as for an unknown project: 404", async () => {
    const foreign = await http.keyFor(projectB, ["ingest", "read"]);
    const known = await send(down, { key: foreign });
    const unknownUuid = "5f0c954e-97a5-4d3c-8f5b-000000000000";
    const unknown = await send({ ...down, project_uuid: unknownUuid }, { key });
    expectProblem(known, 404, new RegExp(`^Project with UUID '${projectA}' not found$`));
    expect(known.body.error).toBe("Invalid project UUID");
    expect(known.text.replace(projectA, "")).toBe(unknown.text.replace(unknownUuid, ""));
  });

  test("of a repository that is not the project's: 404", async () => {
    const answer = await send({ ...down, repo_uuid: projectB });
    expectProblem(answer, 404, /^Repository with UUID '.*' not found$/);
  });

  const wrong: readonly [string, unknown, RegExp][] = [
    ["without an incident_id", { ...down, incident_id: undefined }, /incident_id/],
    ["with an empty incident_id", { ...down, incident_id: "" }, /incident_id/],
    ["with too long an incident_id", { ...down, incident_id: "x".repeat(513) }, /incident_id.*512/],
    ["with no status", { ...down, status: undefined }, /status/],
    ["with a number as status", { ...down, status: 3 }, /status/],
    [
      "on a day that does not exist",
      { ...down, incident_time: "2025-02-30T10:00:00Z" },
      /incident_time.*February/,
    ],
    ["with an object as message", { ...down, message: {} }, /message/],
    ["that is a list", [down], /object/],
    ["that is null", null, /object/],
  ];
  for (const [what, body, details] of wrong) {
    test(`${what}: 400`, async () => {
      expectProblem(await send(body), 400, details);
      expect(signals()).toEqual([]);
    });
  }

  test("that is no JSON: 400, whatever it is", async () => {
    for (const raw of ["", "{oops", "\u0000", "[", '"text"', new Uint8Array([0xff, 0xfe])]) {
      expectProblem(await http.ask("POST", path, { key, raw }), 400, /./);
    }
  });

  test("over the limit: 413, announced or not, as soon as that is certain", async () => {
    expectProblem(await send({ ...down, message: "x".repeat(4_096) }), 413, /4096 bytes/);
    let pulled = 0;
    const raw = new ReadableStream(
      {
        pull: (controller) => {
          pulled++;
          controller.enqueue(new Uint8Array(1_024).fill(32));
        },
      },
      { highWaterMark: 0 },
    );
    expectProblem(await http.ask("POST", path, { key, raw }), 413, /4096 bytes/);
    expect(pulled).toBeLessThan(8);
  });

  test("while the store cannot take it: 503 that says when to come again", async () => {
    http.failAppends({ tag: "unavailable", reason: "the event store is away" });
    const answer = await send(down);
    expectProblem(answer, 503, /event store is away/);
    expect(answer.headers.get("retry-after")).toBe("1");
    http.failAppends({ tag: "too_large" });
    expectProblem(await send(down), 413, /bytes/);
  });

  test("by a bug: 500 without a word of it, but in the log", async () => {
    const broken = await createHttpSide({
      record: async () => {
        throw new Error("secret thing at /home/x.ts:3");
      },
    });
    const answer = await broken.ask("POST", path, { key: adminKey, body: down });
    expectProblem(answer, 500, /request's id/);
    expect(answer.text).not.toContain("secret");
    expect(broken.logged.some(({ details }) => JSON.stringify(details).includes("secret thing"))).toBe(true);
  });
});

describe("what no route answers", () => {
  test("has the contract's shape too", async () => {
    const asked: [string, string][] = [
      ["GET", path],
      ["PUT", path],
      ["OPTIONS", path],
      ["GET", "/nothing/here"],
      ["POST", "/api/projects/"],
      ["GET", "/%"],
      ["GET", "/swagger/assets/..%2f..%2fpackage.json"],
    ];
    for (const [method, where] of asked) {
      const answer = await http.ask(method, where);
      expect(Object.keys(answer.body)).toEqual(["success", "error", "details"]);
      expect([401, 404]).toContain(answer.status);
    }
  });

  test("costs the metrics no label", async () => {
    await http.ask("GET", "/secret/path/of/a/scanner");
    await new Promise((resolve) => setImmediate(resolve));
    expect((await http.ask("GET", "/metrics")).text).not.toContain("scanner");
  });
});
