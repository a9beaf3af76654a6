// A database whose read model was built from another log than the service has: whatever was restored, lost or mixed up,
// every webhook that comes after appears, and nothing is shown that the log does not hold.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { storeProcess } from "../eventstore/adapter-store.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import {
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
const otherDir = await temporaryDataDir();
let database: TestDatabase;
let env: Record<string, string>;
const services: RunningService[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  env = { DATABASE_URL: database.url, LOG_LEVEL: "info" };
}, 60_000);
afterAll(async () => {
  await Promise.all(services.map(({ child }) => end(child, "SIGKILL")));
  await database.drop();
  await Promise.all([removeDataDir(dataDir), removeDataDir(otherDir)]);
}, 60_000);

async function start(options: Parameters<typeof startService>[0] = {}): Promise<RunningService> {
  const service = await startService({ dataDir, env, ...options });
  services.push(service);
  return service;
}

interface Account {
  readonly project: string;
  readonly key: string;
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n));

async function record(
  service: RunningService,
  { project, key }: Account,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    const answer = await service.post("/api/incidents/webhook", key, webhook(project, id, "DOWN", time));
    expect(answer.status).toBe(200);
  }
}
const time = "2025-01-15T10:30:00Z";

/** Waits until these incidents are shown, and fails at once where another one is. */
async function showsOnly(
  service: RunningService,
  { project, key }: Account,
  ids: readonly string[],
): Promise<void> {
  let shown: string[] = [];
  await waitFor(
    async () => {
      const answer = await service.get(`/api/projects/${project}/incidents?limit=200`, key);
      if (answer.status === 503) return false;
      shown = (answer.body.items as { incident_id: string }[]).map(({ incident_id }) => incident_id);
      expect(shown.filter((id) => !ids.includes(id))).toEqual([]);
      return shown.length === ids.length;
    },
    20_000,
    () => `shown: ${shown}\n${service.output()}`,
  );
}

test("an older copy of the event store's directory", async () => {
  const eventstore = join(dataDir, "eventstore");
  const copy = join(dataDir, "copy");
  const first = await start();
  const account = await registerProject(first);
  await record(first, account, range(1, 20));
  await first.stop();
  cpSync(eventstore, copy, { recursive: true });

  const second = await start();
  await record(second, account, range(21, 50));
  await showsOnly(second, account, range(1, 50));
  await second.stop();
  rmSync(eventstore, { recursive: true });
  cpSync(copy, eventstore, { recursive: true });

  const third = await start();
  expect(third.output()).toContain("the read model is of another log");
  const expected = [...range(1, 20), ...range(101, 170)];
  await record(third, account, range(101, 170));
  await showsOnly(third, account, expected);
  await third.stop();
}, 120_000);

test("an event store's directory that was lost", async () => {
  rmSync(join(dataDir, "eventstore"), { recursive: true });
  const service = await start();
  expect(service.output()).toContain("the read model is of another log");
  const account = await registerProject(service);
  await record(service, account, range(1, 70));
  await showsOnly(service, account, range(1, 70));
  await service.stop();
}, 120_000);

test("two services with logs of their own: the second is refused while the first lives", async () => {
  const first = await start();
  const one = await registerProject(first);
  await record(first, one, range(1, 5));
  const second = await start({ dataDir: otherDir, awaits: "welcome" });
  const other = await registerProject(second);
  await waitFor(
    async () => reasonOf(await second.get("/health/ready", "")).includes("a service with that log uses it"),
    20_000,
    second.output,
  );
  // What the second acknowledges is in its own log.
  await record(second, other, range(1, 70));
  const refused = await second.get(`/api/projects/${other.project}/incidents`, other.key);
  expect(refused.status).toBe(503);
  await record(first, one, range(6, 9));
  await showsOnly(first, one, range(1, 9));

  await end(first.child, "SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(reasonOf(await second.get("/health/ready", ""))).toContain("a service with that log uses it");
  const again = await start();
  await record(again, one, range(10, 12));
  await showsOnly(again, one, range(1, 12));

  // Alone, it may have the database.
  await again.stop();
  await second.stop();
  const alone = await start({ dataDir: otherDir });
  await showsOnly(alone, other, range(1, 70));
  await alone.stop();
}, 120_000);

test("EVENTSTORE_URL set on a database that was built from the embedded event store", async () => {
  const store = await storeProcess();
  try {
    const service = await start({ env: { ...env, EVENTSTORE_URL: store.url } });
    const account = await registerProject(service);
    await record(service, account, range(1, 70));
    await showsOnly(service, account, range(1, 70));
    await service.stop();
  } finally {
    await store.remove();
  }
}, 120_000);

const reasonOf = (answer: { readonly body: Record<string, unknown> }): string => JSON.stringify(answer.body);
