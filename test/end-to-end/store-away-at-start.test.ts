// The service is started while its event store is away: senders that never send again lose nothing, for the keys are
// remembered and the spool takes what they send.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import {
  adminKey,
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";

const dataDir = await temporaryDataDir();
const snapshot = join(dataDir, "registry-snapshot");
let store: StoreProcess;
let service: RunningService;
let project = "";
let key = "";
const acknowledged: string[] = [];

const start = (awaits: "ready" | "welcome") =>
  startService({ dataDir, awaits, env: { EVENTSTORE_URL: store.url } });

beforeAll(async () => {
  store = await storeProcess();
  service = await start("ready");
  ({ project, key } = await registerProject(service));
  expect(await send("before")).toBe("stored");
  await waitFor(
    () => readFileSync(snapshot, "utf8").includes(project),
    10_000,
    () => "The registry was not remembered.",
  );
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  await removeDataDir(dataDir);
  await store.remove();
}, 60_000);

test("what is remembered is for its owner only and holds no key", () => {
  expect(statSync(snapshot).mode & 0o777).toBe(0o600);
  const text = readFileSync(snapshot, "utf8");
  expect(text).not.toContain(key);
  expect(text).not.toContain(adminKey);
});

test("started while the store is away it takes webhooks, and says what is missing", async () => {
  await service.stop();
  await store.kill();
  service = await start("welcome");
  for (let n = 0; n < 20; n++) expect(await send(`first-${n}`)).toBe("spooled");
  const ready = await service.get("/health/ready", "");
  expect(ready.status).toBe(503);
  expect(JSON.stringify(ready.body)).toContain("eventstore");
  expect((await service.get("/health/ingest", "")).status).toBe(200);
  expect(service.output()).toContain("with the keys known before");
}, 60_000);

test("nobody is told unknown meanwhile, and nothing is changed", async () => {
  const strange = await service.post(
    "/api/incidents/webhook/",
    "il_nobody-knows-this-key",
    webhook(project, "a", "DOWN", "2025-01-15T10:30:00Z"),
  );
  expect(strange.status).toBe(503);
  const elsewhere = webhook(crypto.randomUUID(), "a", "DOWN", "2025-01-15T10:30:00Z");
  expect((await service.post("/api/incidents/webhook/", adminKey, elsewhere)).status).toBe(503);
  // Its own project is the only one that a key can know.
  expect((await service.post("/api/incidents/webhook/", key, elsewhere)).status).toBe(404);
  expect((await service.post("/api/projects", adminKey, { name: "Other" })).status).toBe(503);
}, 60_000);

test("killed and started again it still takes them; once the store is back everything is in it", async () => {
  await end(service.child, "SIGKILL");
  service = await start("welcome");
  for (let n = 0; n < 20; n++) expect(await send(`second-${n}`)).toBe("spooled");
  await store.start();
  await waitFor(
    async () => (await service.get("/health/ready", "")).status === 200,
    30_000,
    () => `It did not become ready:\n${service.output()}`,
  );
  await waitFor(
    async () => {
      const page = await service.get(`/api/projects/${project}/incidents?limit=200`, key);
      return page.status === 200 && (page.body.items as unknown[]).length === acknowledged.length;
    },
    30_000,
    () => `Not everything is there:\n${service.output()}`,
  );
  const page = await service.get(`/api/projects/${project}/incidents?limit=200`, key);
  const items = page.body.items as { incident_id: string; webhooks: number }[];
  expect(items.map((one) => one.incident_id).sort()).toEqual(acknowledged.toSorted());
  expect(items.every(({ webhooks }) => webhooks === 1)).toBe(true);
  expect(acknowledged).toHaveLength(41);
  expect(await send("after")).toBe("stored");
  expect((await service.post("/api/incidents/webhook/", "il_nobody-knows-this-key", {})).status).toBe(401);
}, 120_000);

/** How it was made durable. */
async function send(incident: string): Promise<unknown> {
  const body = webhook(project, incident, "DOWN", "2025-01-15T10:30:00Z");
  const answer = await service.post("/api/incidents/webhook/", key, body);
  expect(answer.status).toBe(200);
  acknowledged.push(incident);
  return answer.body.durability;
}
