// A key's quota as its sender meets it: set, changed and lifted by the admin, told in headers, 429 above it.

import { beforeEach, describe, expect, test } from "bun:test";
import { type Answer, adminKey, createHttpSide, type HttpSide, projectA } from "./http-side.ts";

const admin = { key: adminKey };
const keysPath = `/api/projects/${projectA}/keys`;
const webhook = {
  incident_id: "checkout",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};

let http: HttpSide;
let key: string;
let key_id: string;

beforeEach(async () => {
  http = await createHttpSide({
    native: {
      sources: [{ name: "lamp", title: "Lamp", documentation: "", setup: {} as never }],
      receive: async () => ({
        tag: "taken",
        source: "lamp",
        recorded: 0,
        ignored: 1,
        quarantined: 0,
        incident_ids: [],
        signals: [],
        durability: "stored",
        positions: [],
        reason: "a test",
      }),
      preview: ({ source }) => ({ tag: "unrecognised", source, reason: "" }),
      isSignedBySns: () => false,
      checkSns: async () => ({ ok: true }),
      quarantine: async () => undefined,
      redrive: async () => ({ tag: "not_found" }),
      redriveMapped: async () => 0,
    },
  });
  const made = await http.ask("POST", keysPath, {
    ...admin,
    body: { label: "limited", scopes: ["ingest"], quota: { webhooks: 60, per: "minute", burst: 2 } },
  });
  expect(made.body.quota).toEqual({ webhooks: 60, per: "minute", burst: 2 });
  key = made.body.key;
  key_id = made.body.key_id;
});

const send = (asked: { key?: string; path?: string; body?: unknown } = {}): Promise<Answer> =>
  http.ask("POST", asked.path ?? "/api/incidents/webhook/", {
    key: asked.key ?? key,
    body: asked.body ?? webhook,
  });
const told = ({ headers }: Answer) =>
  ["retry-after", "ratelimit-policy", "ratelimit"].map((name) => headers.get(name));
const policy = '"webhooks";q=2;w=2';

describe("a key with a quota", () => {
  test("is told in every answer what is left, and above it gets 429 with the time to come again", async () => {
    const first = await send();
    expect([first.status, told(first)]).toEqual([200, [null, policy, '"webhooks";r=1;t=1']]);
    const second = await send({ body: {} });
    expect([second.status, told(second)]).toEqual([400, [null, policy, '"webhooks";r=0;t=1']]);
    const third = await send();
    expect([third.status, told(third)]).toEqual([429, ["1", policy, '"webhooks";r=0;t=1']]);
    expect(third.body).toEqual({
      success: false,
      error: "Too many webhooks",
      details: "The key may send 60 webhooks a minute, at most 2 at once.",
    });
    expect(http.appended.filter(({ event }) => event.type === "IncidentSignalRecorded")).toHaveLength(1);
    http.setNow("2025-03-01T00:00:01Z");
    expect((await send()).status).toBe(200);
    expect((await send()).status).toBe(429);
  });

  test("is held to it on the tools' own routes too, with one count for all of them", async () => {
    const path = "/api/incidents/webhook/lamp";
    const first = await send({ path });
    expect([first.status, told(first)[1]]).toEqual([200, policy]);
    expect((await send()).status).toBe(200);
    const third = await send({ path });
    expect([third.status, told(third)]).toEqual([429, ["1", policy, '"webhooks";r=0;t=1']]);
    expect((await http.ask("HEAD", path, { key })).status).toBe(200);
  });

  test("is refused before anything of the body is read", async () => {
    await send();
    await send();
    let pulled = 0;
    const raw = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1;
          controller.enqueue(new Uint8Array(1_000));
        },
      },
      { highWaterMark: 0 },
    );
    const answer = await http.ask("POST", "/api/incidents/webhook/", { key, raw });
    expect([answer.status, pulled]).toEqual([429, 0]);
  });
});

describe("the admin", () => {
  const change = (body: unknown, id = key_id): Promise<Answer> =>
    http.ask("PATCH", `${keysPath}/${id}`, { ...admin, body });

  test("sets it, changes it and lifts it, each in force at once", async () => {
    const lifted = await change({ quota: null });
    expect([lifted.status, lifted.body.quota]).toEqual([200, null]);
    for (let more = 0; more < 5; more++) {
      const answer = await send();
      expect([answer.status, told(answer)]).toEqual([200, [null, null, null]]);
    }
    const set = await change({ quota: { webhooks: 1, per: "second" } });
    expect(set.body.quota).toEqual({ webhooks: 1, per: "second", burst: 1 });
    expect((await send()).status).toBe(200);
    expect((await send()).status).toBe(429);
    expect((await http.ask("GET", keysPath, admin)).body.items[0].quota).toEqual(set.body.quota);
  });

  test("who asks for what is so already changes nothing", async () => {
    const before = http.appended.length;
    await change({ quota: { webhooks: 60, per: "minute", burst: 2 } });
    expect(http.appended.length).toBe(before);
    await change({ quota: null });
    expect(http.appended.at(-1)?.event).toMatchObject({
      type: "ApiKeyQuotaSet",
      data: { key_id, project_uuid: projectA, quota: null },
    });
  });

  test("is told what is wrong", async () => {
    for (const body of [{}, { quota: 5 }, { quota: { webhooks: 1 } }, { quota: null, label: "x" }]) {
      expect((await change(body)).status).toBe(400);
    }
    expect((await change({ quota: null }, "00000000-0000-4000-8000-000000000000")).status).toBe(404);
    expect((await http.ask("PATCH", `${keysPath}/${key_id}`, { key, body: { quota: null } })).status).toBe(
      401,
    );
  });

  test("cannot limit a key that is revoked", async () => {
    await http.ask("DELETE", `${keysPath}/${key_id}`, admin);
    expect((await change({ quota: null })).status).toBe(400);
  });
});
