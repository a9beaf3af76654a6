// The tools' own webhooks against the running service: recorded, previewed, quarantined, read again, and verified.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { Page } from "../../src/answers/field.ts";
import type { PairItem } from "../../src/answers/incidents.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
} from "../running-service.ts";

let service: RunningService;
let project: string;
let key: string;

beforeAll(async () => {
  service = await startService();
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

interface Taken {
  readonly source: string;
  readonly recorded: number;
  readonly ignored: number;
  readonly quarantined: number;
  readonly quarantine_id?: string;
  readonly incident_ids: readonly string[];
  readonly position?: string;
}

const group = JSON.stringify({
  version: "4",
  groupKey: "{}:{}",
  status: "firing",
  alerts: [
    {
      status: "resolved",
      fingerprint: "f1",
      labels: { alertname: "DiskFull" },
      annotations: { summary: 'Disk "/" is full' },
      startsAt: "2025-01-15T10:00:00.5Z",
      endsAt: "2025-01-15T10:20:00.5Z",
    },
    {
      status: "firing",
      fingerprint: "f2",
      labels: { alertname: "HighLoad" },
      startsAt: "2025-01-15T10:10:00Z",
      endsAt: "0001-01-01T00:00:00Z",
    },
  ],
});

async function post(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return checkedFetch(service.url + path, { method: "POST", body, headers });
}

const taken = async (answer: Response): Promise<Taken> => {
  expect(answer.status).toBe(200);
  return (await answer.json()) as Taken;
};

test("a group is recorded alert by alert, whichever way the key comes, and repeats change nothing", async () => {
  const fired = group
    .replace('"resolved"', '"firing"')
    .replace("2025-01-15T10:20:00.5Z", "0001-01-01T00:00:00Z");
  await taken(await post(`/api/incidents/webhook/alertmanager?token=${key}`, fired));
  await taken(await post("/api/incidents/webhook/auto", fired, { Authorization: `Bearer ${key}` }));
  const basic = `Basic ${Buffer.from(`anyone:${key}`).toString("base64")}`;
  const last = await taken(
    await post("/api/incidents/webhook/alertmanager", group, { Authorization: basic }),
  );
  expect(last).toMatchObject({ source: "alertmanager", recorded: 2, ignored: 0, incident_ids: ["f1", "f2"] });
  const { items } = await service.json<Page<PairItem>>(
    "GET",
    `/api/projects/${project}/pairs?min_position=${last.position}`,
    { key },
  );
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    incident_id: "f1",
    alerts: 1,
    first_alert_at: "2025-01-15T10:00:00.500Z",
    recovered_at: "2025-01-15T10:20:00.500Z",
    recovery_seconds: 1_200,
  });
});

test("a preview shows what would become of it and records nothing", async () => {
  const before = await replayed();
  const answer = await post("/api/sources/auto/preview", group, { "X-API-Key": key });
  expect(await answer.json()).toMatchObject({
    source: "alertmanager",
    outcome: "signals",
    signals: [
      { incident_id: "f1", kind: "RECOVERY" },
      { incident_id: "f2", kind: "ALERT" },
    ],
  });
  expect(await replayed()).toBe(before);
});

test("what cannot be read is kept, listed, and read again with its first time of receipt", async () => {
  const broken = group.slice(0, -2);
  const kept = await taken(await post(`/api/incidents/webhook/alertmanager?token=${key}`, broken));
  expect(kept).toMatchObject({ recorded: 0, quarantined: 1 });
  const { items } = await service.json<Page<{ quarantine_id: string; reason: string }>>(
    "GET",
    `/api/projects/${project}/quarantine`,
    { key },
  );
  expect(items.map(({ quarantine_id }) => quarantine_id)).toEqual([kept.quarantine_id ?? "missing"]);
  expect(JSON.stringify(items)).not.toContain(key);
  const again = await service.json<{ outcome: string }>(
    "POST",
    `/api/projects/${project}/quarantine/${kept.quarantine_id}/redrive`,
    { key },
  );
  expect(again.outcome).toBe("unrecognised");
});

test("a key with signing secrets takes only what is signed with one of them", async () => {
  const secret = "the secret that Grafana signs with";
  const issued = await service.json<{ key: string }>("POST", `/api/projects/${project}/keys`, {
    key: adminKey,
    body: { label: "signed", scopes: ["ingest"], signing_secrets: ["an older secret than that", secret] },
  });
  const body = JSON.stringify({ version: "1", orgId: 1, title: "t", state: "alerting", alerts: [] });
  const path = `/api/incidents/webhook/grafana?token=${issued.key}`;
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  expect((await post(path, body)).status).toBe(401);
  expect((await post(path, body, { "X-Grafana-Alerting-Signature": "0".repeat(64) })).status).toBe(401);
  expect((await post(path, body, { "X-Grafana-Alerting-Signature": signature })).status).toBe(200);
  const auto = path.replace("/grafana", "/auto");
  expect((await post(auto, body, { "User-Agent": "Grafana" })).status).toBe(401);
  // The key takes nothing else, not even from a tool that does not sign.
  expect((await post(`/api/incidents/webhook/alertmanager?token=${issued.key}`, group)).status).toBe(401);
});

test("no key, an unknown source and another project's repository are refused", async () => {
  expect((await post("/api/incidents/webhook/alertmanager", group)).status).toBe(401);
  expect((await post("/api/incidents/webhook/no-such-tool", group, { "X-API-Key": key })).status).toBe(404);
  const repo = "?repo_uuid=5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
  expect((await post(`/api/incidents/webhook/alertmanager${repo}`, group, { "X-API-Key": key })).status).toBe(
    404,
  );
});

test("a lone surrogate and U+FFFD in an incident_id are two incidents, in timelines and replays", async () => {
  let position = "0";
  for (const id of ["\\ud800", "\\ufffd"]) {
    const body = `{"incident_id":"${id}","project_uuid":"${project}","status":"down","incident_time":"2025-01-15T10:30:00Z","message":"${id.slice(1)}"}`;
    const answer = await post("/api/incidents/webhook/", body, { "X-API-Key": key });
    expect(answer.status).toBe(200);
    position = ((await answer.json()) as { position: string }).position;
  }
  for (const [written, message] of [
    ["%ED%A0%80", "ud800"],
    ["%EF%BF%BD", "ufffd"],
  ]) {
    const path = `/api/projects/${project}/incidents/${written}`;
    const { items } = await service.json<Page<{ message: string }>>(
      "GET",
      `${path}/timeline?min_position=${position}`,
      { key },
    );
    expect(items.map((item) => item.message)).toEqual([message ?? ""]);
    const replay = await checkedFetch(`${service.url}${path}/replay`, { headers: { "X-API-Key": key } });
    const lines = (await replay.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).data.message)).toEqual([message]);
  }
});

test("HEAD records nothing where GET records", async () => {
  const path = `/api/incidents/webhook/fields?token=${key}&incident_id=by-get&status=down`;
  const before = await replayed();
  expect((await checkedFetch(service.url + path, { method: "HEAD" })).status).toBe(200);
  expect(await replayed()).toBe(before);
  expect(await taken(await checkedFetch(service.url + path))).toMatchObject({
    recorded: 1,
    incident_ids: ["by-get"],
  });
  expect(await replayed()).toBe(before + 1);
});

test("the sources and their setup are listed", async () => {
  const { items } = await service.json<Page<{ name: string; url: string }>>("GET", "/api/sources");
  expect(items).toContainEqual(
    expect.objectContaining({ name: "alertmanager", url: "/api/incidents/webhook/alertmanager" }),
  );
});

test("no key and no secret is in anything the service has printed", () => {
  expect(service.output()).not.toContain(key);
  expect(service.output()).not.toContain("the secret that Grafana signs with");
});

async function replayed(): Promise<number> {
  const answer = await checkedFetch(`${service.url}/api/projects/${project}/replay`, {
    headers: { "X-API-Key": key },
  });
  return (await answer.text()).split("\n").length;
}
