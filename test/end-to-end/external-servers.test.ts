// EVENTSTORE_URL and DATABASE_URL: nothing embedded starts, and what is wrong with them is said in one line.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { childEnvironment } from "../../src/config.ts";
import { freePort } from "../../src/processes/ports.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  runToItsEnd,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";

const servers = mkdtempSync(join(tmpdir(), "ledger-servers-"));
const dataDir = await temporaryDataDir();
const other = await temporaryDataDir();
const watcher = { line: () => {}, ready: () => {}, lost: () => {} };
const env = childEnvironment(process.env);
let store: StoreProcess;
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  const options = { env, watcher };
  store = await storeProcess();
  postgres = await startEmbeddedPostgres({ ...options, directory: servers, port: await freePort() });
}, 60_000);
afterAll(async () => {
  await Promise.all([store.remove(), postgres.stop()]);
  rmSync(servers, { recursive: true, force: true });
  await Promise.all([removeDataDir(dataDir), removeDataDir(other)]);
}, 30_000);

test("with both set nothing embedded starts, and two services share them", async () => {
  const external = { EVENTSTORE_URL: store.url, DATABASE_URL: postgres.url };
  const [first, second] = await Promise.all([
    startService({ dataDir, env: external, awaits: "welcome" }),
    startService({ dataDir: other, env: external, awaits: "welcome" }),
  ]);
  expect(existsSync(join(dataDir, "postgres"))).toBe(false);
  expect(existsSync(join(dataDir, "eventstore"))).toBe(false);
  const { project, key } = await registerProject(first);
  await waitFor(
    async () => (await post(second, project, key, "DOWN", "2025-01-15T10:30:00Z")) === 200,
    60_000,
    second.output,
  );
  expect(await post(first, project, key, "UP", "2025-01-15T10:31:00Z")).toBe(200);
  const hasBoth = async () => {
    const mttr = await second.get(`/api/projects/${project}/mttr`, key);
    return mttr.body.n === 1 && mttr.body.mean_seconds === 60;
  };
  await waitFor(hasBoth, 60_000, second.output);
  expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0]);
}, 120_000);

test("Postgres unreachable at the start: webhooks are taken, and ready says what is missing", async () => {
  const service = await startService({
    dataDir,
    awaits: "welcome",
    env: {
      EVENTSTORE_URL: store.url,
      DATABASE_URL: `postgres://ledger:secret-word@127.0.0.1:${await freePort()}/ledger`,
    },
  });
  const { project, key } = await registerProject(service);
  expect(await post(service, project, key, "DOWN", "2025-01-15T10:30:00Z")).toBe(200);
  const ready = await service.get("/health/ready", "");
  expect(ready.status).toBe(503);
  expect(JSON.stringify(ready.body)).toContain("postgres");
  expect(await service.stop()).toBe(0);
  expect(service.output()).not.toContain("secret-word");
}, 120_000);

describe("what can never work ends the start with one line and exit code 1", () => {
  test("an event store that is not there", async () => {
    const port = await freePort();
    await refused(
      { EVENTSTORE_URL: `esdb://ada:secret-word@127.0.0.1:${port}?tls=false` },
      `127.0.0.1:${port}`,
    );
  }, 60_000);

  test("an IP address where TLS needs a name", async () => {
    await refused({ EVENTSTORE_URL: "esdb://ada:secret-word@127.0.0.1:2113?tls=true" }, "name");
  }, 60_000);

  test("a wrong password for Postgres", async () => {
    const wrong = postgres.url.replace(/:[0-9a-f]+@/, ":secret-word@");
    await refused({ EVENTSTORE_URL: store.url, DATABASE_URL: wrong }, "password authentication failed");
  }, 60_000);

  test("a database that does not exist", async () => {
    const wrong = postgres.url.replace(/[^/]+$/, "missing");
    await refused({ EVENTSTORE_URL: store.url, DATABASE_URL: wrong }, 'database "missing" does not exist');
  }, 60_000);

  test("a setting that cannot be used", async () => {
    await refused({ PORT: "http" }, 'Cannot use PORT="http"');
  }, 60_000);

  test("a port that somebody else has", async () => {
    const port = new URL(postgres.url).port;
    await refused({ PORT: port, EVENTSTORE_URL: store.url, DATABASE_URL: postgres.url }, port);
  }, 60_000);

  async function refused(wrong: Record<string, string>, says: string): Promise<void> {
    const directory = await temporaryDataDir();
    const { code, output } = await runToItsEnd({ dataDir: directory, env: { LOG_LEVEL: "info", ...wrong } });
    await removeDataDir(directory);
    const lines = output.split("\n").filter((line) => line.startsWith("Cannot "));
    expect({ code, lines: lines.length, output }).toMatchObject({ code: 1, lines: 1 });
    expect(lines[0]).toContain(says);
    expect(output).not.toContain("secret-word");
    expect(output).not.toContain(adminKey);
    // A stack would be a line that begins with "at".
    expect(output).not.toMatch(/^\s+at /m);
  }
});

async function post(
  service: RunningService,
  project: string,
  key: string,
  status: string,
  time: string,
): Promise<number> {
  const answer = await service.post("/api/incidents/webhook", key, webhook(project, "shared", status, time));
  return answer.status;
}
