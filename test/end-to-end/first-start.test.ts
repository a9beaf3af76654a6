// What a newcomer meets: the first start, the lines to paste, the stop, and the start after that.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  end,
  launch,
  type RunningService,
  removeDataDir,
  runToItsEnd,
  startService,
  temporaryDataDir,
  waitFor,
} from "../running-service.ts";
import { childrenOn } from "../service-processes.ts";

/** As a newcomer has it: no key, and everything is told. */
const env = { ADMIN_API_KEY: "", LOG_LEVEL: "info" };

const dataDir = await temporaryDataDir();
let service: RunningService;

beforeAll(async () => {
  service = await startService({ dataDir, env, awaits: "welcome" });
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  await removeDataDir(dataDir);
});

test("the first start prints addresses and the admin key, which is kept for its owner only", () => {
  const key = readFileSync(join(dataDir, "admin-key"), "utf8").trim();
  expect(service.output()).toContain(`${service.url}/swagger`);
  expect(service.output()).toMatch(/Event store +embedded; bun run eventstore:address/);
  expect(service.output().split(key)).toHaveLength(2);
  expect(statSync(join(dataDir, "admin-key")).mode & 0o777).toBe(0o600);
});

test("the lines it prints work when pasted", () => {
  const lines = /^URL=[\s\S]*mttr.*$/m.exec(service.output())?.[0] ?? "";
  const answers = execFileSync("sh", ["-c", lines], { encoding: "utf8" }).trim().split("\n");
  expect(answers).toHaveLength(4);
  const [posted, , timeline, mttr] = answers.map((line) => JSON.parse(line));
  expect(posted).toMatchObject({
    success: true,
    message: "Incident recorded successfully",
    incident_id: "test-123",
  });
  expect(timeline.items.map((item: { kind: string }) => item.kind)).toEqual(["ALERT", "RECOVERY"]);
  expect(mttr).toMatchObject({ n: 1, open: 0, mean_seconds: 750, grade: "elite" });
});

test("a second start on the same directory is refused and names the first", async () => {
  const second = await runToItsEnd({ dataDir, env });
  expect(second.code).toBe(1);
  expect(second.output).toContain(dataDir);
  expect(second.output).toContain(String(service.child.pid));
  expect((await service.get("/health/ready", "")).status).toBe(200);
}, 60_000);

test("SIGTERM stops everything with exit code 0 and leaves no process behind", async () => {
  expect(childrenOn(dataDir).length).toBeGreaterThan(1);
  const began = Date.now();
  expect(await service.stop()).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(childrenOn(dataDir)).toEqual([]);
}, 30_000);

test("a stop that comes while everything is being made leaves nothing behind either", async () => {
  const early = await temporaryDataDir();
  const { child, output, ended } = launch({ dataDir: early, env });
  await waitFor(() => /starting the embedded Postgres/.test(output()), 60_000, output);
  child.kill("SIGTERM");
  expect(await ended, output()).toBe(0);
  expect(childrenOn(early)).toEqual([]);
  await removeDataDir(early);
}, 60_000);

test("the next start says where the key is kept instead of printing it, and has what was recorded", async () => {
  const key = readFileSync(join(dataDir, "admin-key"), "utf8").trim();
  service = await startService({ dataDir, env, awaits: "welcome" });
  expect(service.output()).not.toContain(key);
  expect(service.output()).toContain(join(dataDir, "admin-key"));
  const projects = await service.get("/api/projects", key);
  const [project] = projects.body.items as { project_uuid: string }[];
  const mttr = await service.get(`/api/projects/${project?.project_uuid}/mttr`, key);
  expect(mttr.body).toMatchObject({ n: 1, mean_seconds: 750 });
  expect(await end(service.child, "SIGINT")).toBe(0);
  expect(childrenOn(dataDir)).toEqual([]);
}, 90_000);
