// The commands: a backup of a service that runs, and its restore on another machine's empty data directory.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { logStream } from "../../src/domain/log-started.ts";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { readAddress } from "../../src/processes/event-store-address.ts";
import { runCommand } from "../commands.ts";
import { quiet } from "../eventstore/adapter-store.ts";
import { checkedFetch } from "../http/answer-check.ts";
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

const [dataDir, other, dir] = [await temporaryDataDir(), await temporaryDataDir(), await temporaryDataDir()];
let service: RunningService;
let project = "";
let key = "";

beforeAll(async () => {
  service = await startService({ dataDir });
  ({ project, key } = await registerProject(service));
  for (const [status, time] of [
    ["DOWN", "2025-01-15T10:30:00Z"],
    ["UP", "2025-01-15T10:42:30Z"],
  ] as const) {
    const answer = await service.post("/api/incidents/webhook/", key, webhook(project, "one", status, time));
    expect(answer.status).toBe(200);
  }
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  for (const one of [dataDir, other]) await removeDataDir(one);
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

test("a command that is called wrongly says how, and there is nothing to restore or back up where there is nothing", async () => {
  expect((await runCommand("backup", { dataDir, args: [] })).code).toBe(2);
  expect((await runCommand("backup", { dataDir, args: [dir, "--sideways"] })).code).toBe(2);
  expect((await runCommand("restore", { dataDir: other, args: [dir] })).code).toBe(2);
  expect((await runCommand("restore", { dataDir: other, args: [dir, "--until", "yesterday"] })).code).toBe(2);
  const nothing = await runCommand("backup", { dataDir: other, args: [dir] });
  expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining("There is no event store")]);
  const env = { EVENTSTORE_URL: "esdb://127.0.0.1:1?tls=false" };
  expect((await runCommand("backup", { dataDir, args: [dir], env })).code).toBe(4);
}, 60_000);

test("while the service runs it is backed up, and says what it holds and what not", async () => {
  const first = await runCommand("backup", { dataDir, args: [dir] });
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("position")]);
  expect(first.stdout).toContain("secrets-key: left out.");
  expect(first.stdout).toMatch(/Events: \d+, of them \d+ new/);
  const second = await runCommand("backup", { dataDir, args: [dir, "--with-keys"] });
  expect(second.stdout).toContain("of them 0 new");
  expect(second.stdout).toContain("secrets-key: included.");
  expect(statSync(join(dir, "keys/secrets-key")).mode & 0o777).toBe(0o600);
}, 60_000);

test("restored elsewhere it shows the same, with the same keys", async () => {
  const original = await logIdOn(dataDir);
  await end(service.child, "SIGKILL");
  const timeline = (of: RunningService) => of.get(`/api/projects/${project}/incidents/one/timeline`, key);
  const restored = await runCommand("restore", { dataDir: other, args: [dir, "--with-keys"] });
  expect([restored.code, restored.stderr]).toEqual([0, expect.stringContaining("events")]);
  const secretsKey = (at: string) => readFileSync(join(at, "secrets-key"), "utf8");
  expect(secretsKey(other)).toBe(secretsKey(dataDir));
  service = await startService({ dataDir: other });
  await waitFor(
    async () => (await service.get(`/api/projects/${project}/mttr`, key)).body.mean_seconds === 750,
    30_000,
    service.output,
  );
  expect((await timeline(service)).body.items).toHaveLength(2);
  expect(await logIdOn(other)).not.toBe(original);
  const replay = await checkedFetch(`${service.url}/api/projects/${project}/incidents/one/replay`, {
    headers: { "X-API-Key": key },
  });
  const lines = (await replay.text()).trim().split("\n");
  for (const line of lines.map((text) => JSON.parse(text))) {
    expect(line.metadata.copied_position).toMatch(/^\d+$/);
    expect(Date.parse(line.recorded_at)).toBe(Date.parse(line.metadata.copied_recorded_at));
  }
}, 90_000);

/** The identity that the log itself holds. */
async function logIdOn(at: string): Promise<unknown> {
  const store = connectEventStore({ url: readAddress(join(at, "eventstore")) ?? "", log: quiet });
  const ids: unknown[] = [];
  for await (const { data } of store.readStream(logStream)) ids.push((data as { log_id: unknown }).log_id);
  await store.close();
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  return ids[0];
}

test("it is restored into no store that holds something already, and no key is replaced", async () => {
  const again = await runCommand("restore", { dataDir, args: [dir] });
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("not empty")]);
  writeFileSync(join(other, "secrets-key"), `${"k".repeat(48)}\n`);
  const keys = await runCommand("restore", { dataDir: other, args: [dir, "--with-keys"] });
  expect([keys.code, keys.stderr]).toEqual([1, expect.stringContaining("another key")]);
}, 60_000);
