// kill -9 of any of the processes: what was acknowledged is there, and the service comes back.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";
import { eventStorePid, postgresPid } from "../service-processes.ts";

const dataDir = await temporaryDataDir();
let service: RunningService;
let ports = "";
let project = "";
let key = "";
const acknowledged: string[] = [];
const statuses = new Set<number>();

const start = (): Promise<RunningService> =>
  startService({ dataDir, env: { LOG_LEVEL: "info" }, awaits: "welcome" });

beforeAll(async () => {
  service = await start();
  ports = readFileSync(join(dataDir, "ports.json"), "utf8");
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  await removeDataDir(dataDir);
});

test("the event store killed under load: no acknowledged webhook is lost, and it is taken up again", async () => {
  await postWhileKilling(() => eventStorePid(dataDir));
  await waitFor(async () => (await post("after-store")) === 200, 60_000, service.output);
  await everythingIsThere();
}, 120_000);

test("Postgres killed under load: every webhook is acknowledged, and the read model catches up", async () => {
  const refused = await postWhileKilling(() => postgresPid(dataDir));
  expect(refused, service.output().slice(-6_000)).toBe(0);
  await everythingIsThere();
}, 120_000);

test("the service killed under load: the next start ends what it left and has everything", async () => {
  const left = { store: eventStorePid(dataDir), postgres: postgresPid(dataDir) };
  await postWhileKilling(() => service.child.pid);
  expect(await service.ended).toBeNull();
  service = await start();
  expect(eventStorePid(dataDir)).not.toBe(left.store);
  expect(postgresPid(dataDir)).not.toBe(left.postgres);
  await everythingIsThere();
}, 120_000);

test("the embedded servers keep their ports over all that", () => {
  expect(readFileSync(join(dataDir, "ports.json"), "utf8")).toBe(ports);
});

test("everything killed at once: the next start has everything", async () => {
  for (const pid of [eventStorePid(dataDir), postgresPid(dataDir), service.child.pid]) {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  }
  await service.ended;
  service = await start();
  await everythingIsThere();
}, 120_000);

test("stopped under load: what was accepted is answered, the exit code is 0, the next start has everything", async () => {
  statuses.clear();
  const began = Date.now();
  await postWhileKilling(() => service.child.pid, "SIGTERM");
  expect(await service.ended).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  // 0: nobody listened any more. No answer says that something broke.
  expect([...statuses].filter((status) => status !== 200 && status !== 0)).toEqual([]);
  expect(service.output()).not.toContain("not stopped in order");
  service = await start();
  await everythingIsThere();
  expect(await service.stop()).toBe(0);
}, 120_000);

/** Eight senders post; in their midst the process is killed. Answers how many webhooks were not acknowledged. */
async function postWhileKilling(
  victim: () => number | undefined,
  signal: NodeJS.Signals = "SIGKILL",
): Promise<number> {
  const run = acknowledged.length;
  let refused = 0;
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (sent < 400) {
      const number = sent++;
      if (number === 200) process.kill(victim() ?? 0, signal);
      if ((await post(`${run}-${number}`)) !== 200) refused++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
  return refused;
}

async function post(incident: string): Promise<number> {
  try {
    const body = webhook(project, incident, "DOWN", "2025-01-15T10:30:00Z");
    const answer = await service.post("/api/incidents/webhook/", key, body);
    statuses.add(answer.status);
    if (answer.status === 200) acknowledged.push(incident);
    return answer.status;
  } catch {
    statuses.add(0);
    return 0;
  }
}

/** Every acknowledged incident is in the read model, once it has caught up. */
async function everythingIsThere(): Promise<void> {
  let missing = acknowledged.length;
  expect(missing).toBeGreaterThan(100);
  await waitFor(
    async () => {
      const found = new Set<string>();
      let cursor = "";
      do {
        const page = await service.get(`/api/projects/${project}/incidents?limit=200${cursor}`, key);
        if (page.status !== 200) return false;
        for (const item of page.body.items as { incident_id: string }[]) found.add(item.incident_id);
        const next = page.body.next_cursor;
        cursor = typeof next === "string" ? `&cursor=${encodeURIComponent(next)}` : "";
      } while (cursor !== "");
      missing = acknowledged.filter((incident) => !found.has(incident)).length;
      return missing === 0;
    },
    60_000,
    () =>
      `${missing} of ${acknowledged.length} acknowledged webhooks are missing.\n${service.output().slice(-4_000)}`,
  );
  expect(missing).toBe(0);
}
