// Words that nobody knows are offered with a suggestion, mapped one by one, and read again; and each source says when it
// was last heard of. On the whole service, also after a kill and a rebuild of the read model.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
  webhook,
} from "../running-service.ts";
import { childrenOn, killLeftOn } from "../service-processes.ts";

let service: RunningService;
let project: string;
let key: string;

beforeAll(async () => {
  service = await startService();
  ({ project, key } = await registerProject(service));
}, 120_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 60_000);

const at = (minute: number): string => `2025-01-15T10:${String(minute).padStart(2, "0")}:00Z`;
const alerts = (status: string, fingerprint: string, minute: number): object => ({
  version: "4",
  groupKey: "{}",
  receiver: "web",
  status: "firing",
  alerts: [
    {
      status,
      labels: { alertname: "Full" },
      annotations: {},
      startsAt: at(minute),
      endsAt: "0001-01-01T00:00:00Z",
      generatorURL: "",
      fingerprint,
    },
  ],
});
const send = (source: string, body: unknown) =>
  service.post(`/api/incidents/webhook/${source}`, key, body).then((answer) => {
    expect(answer.status).toBe(200);
    return answer.body;
  });
// biome-ignore lint/suspicious/noExplicitAny: what the test looks into.
const items = async (what: string): Promise<any[]> =>
  (
    await service.json<{ items: unknown[] }>("GET", `/api/projects/${project}/${what}?fresh=true`, {
      key,
    })
  ).items;
const map = (method: "PUT" | "PATCH", body: object) =>
  service.json<Record<string, string>>(method, `/api/projects/${project}/status-mappings`, {
    key: adminKey,
    body,
  });

test("unknown words are offered, mapped one by one, and what waited for them is recorded", async () => {
  for (const [minute, status] of ["CRIT", "🔴 crit ", "Wobbly"].entries()) {
    await send("", webhook(project, `known-${minute}`, status, at(minute)));
  }
  // One id, sent twice: one payload.
  for (const minute of [5, 5, 6]) {
    expect(await send("alertmanager", alerts("wobbly", `lamp-${minute}`, minute))).toMatchObject({
      quarantined: 1,
    });
  }
  const offered = await items("unknown-statuses");
  expect(
    offered.map(({ status, count, recorded, quarantined }) => [status, count, recorded, quarantined]),
  ).toEqual([
    ["WOBBLY", 3, 1, 2],
    ["CRIT", 2, 2, 0],
  ]);
  expect(offered.map(({ suggestion }) => suggestion)).toEqual([null, { kind: "ALERT", similar_to: "CRIT" }]);
  expect(offered[0].example).toMatchObject({ status: "Wobbly", source: "contract", incident_id: "known-2" });
  expect(offered[0].first_seen <= offered[0].last_seen).toBe(true);

  expect(await map("PUT", { FINE: "RECOVERY" })).toEqual({ FINE: "RECOVERY" });
  expect(await map("PATCH", { wobbly: "ALERT" })).toEqual({ FINE: "RECOVERY", WOBBLY: "ALERT" });
  expect((await items("unknown-statuses")).map(({ status }) => status)).toEqual(["CRIT"]);
  const open = await items("incidents");
  expect(
    open
      .filter(({ state }) => state === "open")
      .map(({ incident_id }) => incident_id)
      .sort(),
  ).toEqual(["known-2", "lamp-5", "lamp-6"]);
  expect((await items("quarantine")).map(({ state }) => state)).toEqual(["recorded", "recorded"]);

  // From now on the source itself reads the word.
  expect(await send("alertmanager", alerts("WOBBLY", "lamp-7", 7))).toMatchObject({ recorded: 1 });
  // And whatever was recorded by it follows the mapping.
  expect(await map("PATCH", { WOBBLY: null, CRIT: "ALERT" })).toEqual({ CRIT: "ALERT", FINE: "RECOVERY" });
  const left = await items("unknown-statuses");
  expect(left.map(({ status, count }) => [status, count])).toEqual([["WOBBLY", 4]]);
  expect((await items("incidents")).filter(({ state }) => state === "open")).toHaveLength(2);
}, 60_000);

test("pages, wrong requests and other projects", async () => {
  await map("PUT", {});
  const first = await service.json<{ items: { status: string }[]; next_cursor: string }>(
    "GET",
    `/api/projects/${project}/unknown-statuses?limit=1&fresh=true`,
    { key },
  );
  const rest = await service.json<{ items: { status: string }[]; next_cursor: null }>(
    "GET",
    `/api/projects/${project}/unknown-statuses?limit=1&cursor=${first.next_cursor}`,
    { key },
  );
  expect([...first.items, ...rest.items].map(({ status }) => status)).toEqual(["WOBBLY", "CRIT"]);
  expect(rest.next_cursor).toBeNull();
  const other = await registerProject(service);
  for (const what of ["unknown-statuses", "sources"]) {
    expect(await service.get(`/api/projects/${other.project}/${what}`, key)).toMatchObject({ status: 404 });
    expect(await service.get(`/api/projects/${randomUUID()}/${what}`, key)).toMatchObject({ status: 404 });
    expect(await service.get(`/api/projects/${other.project}/${what}?fresh=true`, other.key)).toEqual({
      status: 200,
      body: { items: [], next_cursor: null },
    });
  }
  expect(await service.get(`/api/projects/${project}/unknown-statuses?cursor=x`, key)).toMatchObject({
    status: 400,
  });
  const patched = await checkedFetch(`${service.url}/api/projects/${project}/status-mappings`, {
    method: "PATCH",
    headers: { "X-API-Key": adminKey, "Content-Type": "application/json" },
    body: '{"WOBBLY": "MAYBE"}',
  });
  expect(patched.status).toBe(400);
  const denied = await checkedFetch(`${service.url}/api/projects/${project}/status-mappings`, {
    method: "PATCH",
    headers: { "X-API-Key": key, "Content-Type": "application/json" },
    body: '{"WOBBLY": "ALERT"}',
  });
  expect(denied.status).toBe(401);
}, 60_000);

test("each source says what came from it, also after a kill and once the read model is built anew", async () => {
  const nothing = { test: 0, not_production: 0, maintenance: 0, no_change: 0, other_event: 0 };
  const test = { heartbeat: null, monitor: null, msg: "My Alert Testing" };
  expect(await send("uptime-kuma", test)).toMatchObject({ ignored: 1 });
  expect(await send("uptime-kuma", test)).toMatchObject({ ignored: 1 });
  await service.get("/api/incidents/webhook/grafana", key);
  const before = await items("sources");
  expect(before).toMatchObject([
    { source: "alertmanager", recorded: 3, ignored: nothing, quarantined: 2 },
    { source: "contract", recorded: 3, ignored: nothing, quarantined: 0 },
    { source: "uptime-kuma", recorded: 0, ignored: { ...nothing, test: 2 }, quarantined: 0 },
  ]);
  for (const { last_seen } of before) expect(Date.now() - Date.parse(last_seen)).toBeLessThan(300_000);
  await end(service.child, "SIGKILL");
  killLeftOn(service.dataDir);
  await waitFor(
    () => childrenOn(service.dataDir).length === 0,
    20_000,
    () => "its servers still run",
  );
  await rm(join(service.dataDir, "postgres"), { recursive: true });
  service = await startService({ dataDir: service.dataDir });
  expect(await items("sources")).toEqual(before);
}, 120_000);
