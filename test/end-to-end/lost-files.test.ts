// Files of DATA_DIR that are lost: those of Postgres are made anew while webhooks are taken, the key that seals secrets
// is not.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  runToItsEnd,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";
import { postgresPid } from "../service-processes.ts";

const dataDir = await temporaryDataDir();
let service: RunningService;
let project = "";
let key = "";
let sent = 0;

beforeAll(async () => {
  service = await startService({ dataDir });
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  await removeDataDir(dataDir);
});

const post = async (): Promise<number> => {
  const body = webhook(project, `incident-${sent++}`, "DOWN", "2025-01-15T10:30:00Z");
  return (await service.post("/api/incidents/webhook/", key, body)).status;
};

async function everythingIsShown(): Promise<void> {
  await waitFor(
    async () => (await service.get(`/api/projects/${project}/mttr`, key)).body.open === sent,
    60_000,
    service.output,
  );
}

test("Postgres's directory, removed while it runs: every webhook is taken, and all are shown again", async () => {
  await post();
  await everythingIsShown();
  const first = postgresPid(dataDir);
  rmSync(join(dataDir, "postgres"), { recursive: true, force: true, maxRetries: 5 });
  if (first !== undefined) process.kill(first, "SIGKILL");
  const statuses = new Set<number>();
  const isBack = (): boolean => ![undefined, first].includes(postgresPid(dataDir));
  while (!isBack()) statuses.add(await post());
  expect([...statuses]).toEqual([200]);
  await everythingIsShown();
}, 120_000);

test("Postgres's password, lost before a start: all are shown again", async () => {
  expect(await service.stop()).toBe(0);
  rmSync(join(dataDir, "postgres/password"));
  service = await startService({ dataDir });
  expect(await post()).toBe(200);
  await everythingIsShown();
}, 120_000);

test("an empty secrets-key stops the start in one line, and stays empty", async () => {
  await end(service.child, "SIGTERM");
  writeFileSync(join(dataDir, "secrets-key"), "");
  const { code, output } = await runToItsEnd({ dataDir });
  expect(code).toBe(1);
  expect(output.trim()).toBe(
    `Cannot use "${join(dataDir, "secrets-key")}": it is empty or damaged, and is never replaced by itself. Restore it from a backup, or remove it to have a new one made.`,
  );
  expect(statSync(join(dataDir, "secrets-key")).size).toBe(0);
}, 60_000);

test("nobody else may open the lock", () => {
  expect(statSync(join(dataDir, "service.lock")).mode & 0o777).toBe(0o600);
});
