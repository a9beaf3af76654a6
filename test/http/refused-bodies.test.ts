// Bodies that the ingest contract's route refuses: the answer is the contract's, and the body lies in the quarantine of the
// key's project, to be read again.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createWholeSide, type WholeSide } from "../abuse/whole-side.ts";
import { type Answer, adminKey, createHttpSide, projectA, projectB, repoA } from "./http-side.ts";

const path = "/api/incidents/webhook/";
const other = "c0000000-0000-4000-8000-0000000000cc";
const webhook = {
  incident_id: "checkout",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};

let side: WholeSide;
let key: string;
beforeAll(async () => {
  side = await createWholeSide();
  key = await side.keyFor(projectA, ["ingest", "read"]);
});
afterAll(() => side.stop());

const post = (raw: string, more: { key?: string; headers?: Record<string, string> } = {}): Promise<Answer> =>
  side.ask("POST", path, { key, raw, ...more });
const kept = async (of: WholeSide = side, project = projectA) =>
  (await of.ask("GET", `/api/projects/${project}/quarantine?limit=500&fresh=true`, { key: adminKey })).body
    .items;
const metric = async (of: WholeSide, line: string): Promise<number> => {
  const { text } = await of.ask("GET", "/metrics");
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return Number(found?.slice(line.length + 1) ?? 0);
};
const redrive = (id: string, body?: object): Promise<Answer> =>
  side.ask("POST", `/api/projects/${projectA}/quarantine/${id}/redrive`, {
    key,
    ...(body === undefined ? {} : { body }),
  });

describe("what is answered 400 or 404 is kept with that answer", () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ["broken JSON", '{"incident_id": "checkout', 400],
    ["no body", "", 400],
    ["a missing field", JSON.stringify({ ...webhook, incident_time: undefined }), 400],
    ["a field that cannot be read", JSON.stringify({ ...webhook, incident_time: "yesterday" }), 400],
    ["no such project", JSON.stringify({ ...webhook, project_uuid: other }), 404],
    ["what is no UUID", JSON.stringify({ ...webhook, project_uuid: "shop" }), 404],
    ["another project", JSON.stringify({ ...webhook, project_uuid: projectB }), 404],
    ["no such repository", JSON.stringify({ ...webhook, repo_uuid: other }), 404],
    ["another tool's webhook", '{"receiver":"web","alerts":[]}', 400],
  ];
  for (const [name, body, status] of refused) {
    test(name, async () => {
      const before = (await kept()).length;
      const answer = await post(body, { headers: { "User-Agent": "Lamp/1.0", Cookie: "session=secret" } });
      expect(answer.status).toBe(status);
      const items = await kept();
      expect(items).toHaveLength(before + 1);
      const { error, details } = answer.body;
      expect(items.at(-1)).toMatchObject({
        source: "contract",
        reason: details,
        answer: { status, error, details },
        payload: body,
        headers: { "user-agent": "Lamp/1.0" },
        signature: "none",
        state: "waiting",
      });
      expect(JSON.stringify(items.at(-1))).not.toContain(key);
      expect(JSON.stringify(items.at(-1))).not.toContain("secret");
      // Once, however often it comes.
      expect(await post(body)).toMatchObject({ status, body: answer.body });
      expect(await kept()).toHaveLength(before + 1);
      expect(await kept(side, projectB)).toEqual([]);
    });
  }

  test("bytes that are no text, as they are", async () => {
    const raw = new Uint8Array([0x7b, 0xff, 0x00]);
    expect((await side.ask("POST", path, { key, raw })).status).toBe(400);
    expect((await kept()).at(-1)).toMatchObject({ payload: null, payload_base64: "e/8A" });
  });

  test("not without a key that may send, and not what was recorded or too large", async () => {
    const before = side.log.events.length;
    const reader = await side.keyFor(projectA, ["read"]);
    const keys = side.log.events.length - before;
    expect((await post("{", { key: "il_nobody" })).status).toBe(401);
    expect((await post("{", { key: reader })).status).toBe(400);
    expect((await post("[]", { key: adminKey })).status).toBe(400);
    expect((await post(`{"x":"${"x".repeat(300_000)}`)).status).toBe(413);
    expect(side.log.events).toHaveLength(before + keys);
  });

  test("with the admin key, where it names a project", async () => {
    const raw = JSON.stringify({ ...webhook, project_uuid: projectB, repo_uuid: repoA });
    expect((await post(raw, { key: adminKey })).status).toBe(404);
    expect(await kept(side, projectB)).toMatchObject([{ payload: raw, answer: { status: 404 } }]);
  });
});

describe("it is read again", () => {
  const keptId = async (raw: string): Promise<string> => {
    await post(raw);
    const { quarantine_id, payload } = (await kept()).at(-1);
    expect(payload).toBe(raw);
    return quarantine_id;
  };

  test("by the contract's own rules, once the repository is there, with its first time of receipt", async () => {
    const repo_uuid = "d0000000-0000-4000-8000-0000000000dd";
    const raw = JSON.stringify({ ...webhook, repo_uuid });
    const id = await keptId(raw);
    expect((await redrive(id)).body).toMatchObject({
      outcome: "unrecognised",
      source: "contract",
      reason: `Repository with UUID '${repo_uuid}' not found`,
    });
    const body = { name: "late", repo_uuid };
    await side.ask("POST", `/api/projects/${projectA}/repositories`, { key: adminKey, body });
    expect((await redrive(id)).body).toMatchObject({ outcome: "recorded", incident_ids: ["checkout"] });
    const [event] = side.log.ofType("IncidentSignalRecorded").slice(-1);
    expect(event).toMatchObject({
      data: { incident_id: "checkout", status: "DOWN", repo_uuid, payload: raw },
      metadata: { source: "contract", received_at: "2025-03-01T00:00:00.000000000Z" },
    });
    const stored = side.log.ofType("IncidentSignalRecorded").length;
    // The same webhook, sent now, is the same event.
    expect((await post(raw)).body).toMatchObject({ success: true, event_id: event?.id });
    expect((await redrive(id)).body).toMatchObject({ outcome: "recorded" });
    expect(side.log.ofType("IncidentSignalRecorded")).toHaveLength(stored);
  });

  test("a body that names another project stays, and is recorded in this one only where a source is named", async () => {
    const id = await keptId(JSON.stringify({ ...webhook, incident_id: "lost", project_uuid: "my-project" }));
    expect((await redrive(id)).body).toMatchObject({
      outcome: "unrecognised",
      reason: `it names the project 'my-project'; redriven as source "fields" it is recorded in this one`,
    });
    expect((await redrive(id, { source: "fields" })).body).toMatchObject({
      outcome: "recorded",
      source: "fields",
      incident_ids: ["lost"],
    });
  });

  test("as the tool's own webhook that it is", async () => {
    const alert = {
      status: "firing",
      labels: { alertname: "Full" },
      startsAt: "2025-01-15T10:30:00Z",
      fingerprint: "f1",
    };
    const id = await keptId(
      JSON.stringify({ version: "4", groupKey: "{}", receiver: "web", status: "firing", alerts: [alert] }),
    );
    expect((await redrive(id)).body).toMatchObject({ outcome: "unrecognised" });
    expect((await redrive(id, { source: "auto" })).body).toMatchObject({
      outcome: "recorded",
      source: "alertmanager",
    });
  });

  test("another project's answers as if it did not exist", async () => {
    const id = await keptId('{"lost": 1}');
    const stranger = await side.keyFor(projectB, ["ingest", "read"]);
    const answers = [
      await side.ask("POST", `/api/projects/${projectA}/quarantine/${id}/redrive`, { key: stranger }),
      await side.ask("GET", `/api/projects/${projectA}/quarantine`, { key: stranger }),
    ];
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual([
      [404, "Invalid project UUID"],
      [404, "Invalid project UUID"],
    ]);
    const own = await side.ask("POST", `/api/projects/${projectB}/quarantine/${id}/redrive`, {
      key: stranger,
    });
    expect([own.status, own.body.error]).toEqual([404, "Not found"]);
  });
});

describe("while the event store is away", () => {
  test("the spool takes it before it is answered, and the quarantine gets it later", async () => {
    const away = await createWholeSide({ settings: { ACK: "store" } });
    try {
      const mine = await away.keyFor(projectA, ["ingest"]);
      away.log.refuse("it is away");
      expect((await away.ask("POST", path, { key: mine, raw: "{away" })).status).toBe(400);
      expect(away.log.ofType("PayloadQuarantined")).toEqual([]);
      away.log.refuse(undefined);
      const items = await kept(away);
      expect(items).toMatchObject([{ payload: "{away", answer: { status: 400 } }]);
    } finally {
      await away.stop();
    }
  }, 20_000);

  test("and where nothing takes it, it is a 503 with Retry-After like any webhook", async () => {
    const http = await createHttpSide();
    const mine = await http.keyFor(projectA, ["ingest"]);
    http.failAppends({ tag: "unavailable", reason: "the spool has no room" });
    const answer = await http.ask("POST", path, { key: mine, raw: "{nowhere" });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    http.failAppends(undefined);
    expect((await http.ask("POST", path, { key: mine, raw: "{nowhere" })).status).toBe(400);
  });
});

describe("beyond what a project's quarantine takes in a day", () => {
  test("a tool gets 429 with Retry-After, the contract's route keeps its answer, and both are counted", async () => {
    const small = await createWholeSide({ settings: { QUARANTINE_ENTRIES_PER_DAY: "2" } });
    try {
      const mine = await small.keyFor(projectA, ["ingest", "read"]);
      const send = (to: string, raw: string) => small.ask("POST", to, { key: mine, raw });
      const native = "/api/incidents/webhook/alertmanager";
      expect((await send(path, "{1")).status).toBe(400);
      expect((await send(native, "{2")).body).toMatchObject({ quarantined: 1 });
      const full = await send(native, "{3");
      expect([full.status, full.body.error]).toEqual([429, "Quarantine full"]);
      expect(Number(full.headers.get("retry-after"))).toBeGreaterThan(1);
      const refused = await send(path, "{4");
      expect([refused.status, refused.body.error]).toEqual([400, "Invalid JSON"]);
      // A body that lies there already is still answered as before.
      expect((await send(native, "{2")).body).toMatchObject({ quarantined: 1 });
      expect(await kept(small)).toHaveLength(2);
      const counted = (outcome: string, source: string) =>
        metric(small, `ledger_quarantine_total{outcome="${outcome}",source="${source}"}`);
      expect([
        await counted("kept", "contract"),
        await counted("kept", "alertmanager"),
        await counted("full", "alertmanager"),
        await counted("full", "contract"),
        await metric(small, 'ledger_webhooks_rejected_total{reason="quarantine_full",source="alertmanager"}'),
        await metric(small, 'ledger_webhooks_rejected_total{reason="invalid",source="contract"}'),
      ]).toEqual([1, 2, 1, 1, 1, 2]);
    } finally {
      await small.stop();
    }
  });

  test("and beyond what the key may store", async () => {
    const small = await createWholeSide({ settings: { KEY_BYTES_PER_DAY: "2000" } });
    try {
      const mine = await small.keyFor(projectA, ["ingest"]);
      const send = (raw: string) => small.ask("POST", path, { key: mine, raw });
      expect((await send(`{${"1".repeat(1_500)}`)).status).toBe(400);
      expect((await send(`{${"2".repeat(1_500)}`)).status).toBe(400);
      expect(await kept(small)).toHaveLength(1);
    } finally {
      await small.stop();
    }
  });
});
