// What a newcomer meets: the first start, the lines to paste, the stop, and the start after that.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  childrenOn,
  launch,
  runToItsEnd,
  type StartedService,
  startService,
  stop,
  temporaryDataDir,
  until,
} from "./started-service.ts";

const data = temporaryDataDir();
let service: StartedService;

beforeAll(async () => {
  service = await startService({ dataDir: data.path });
}, 90_000);
afterAll(async () => {
  service.child.kill("SIGKILL");
  await data.remove();
});

test("the first start prints addresses and the admin key, which is kept for its owner only", () => {
  const key = readFileSync(join(data.path, "admin-key"), "utf8").trim();
  expect(service.printed()).toContain(`${service.url}/swagger`);
  expect(service.printed()).toMatch(/Event store +esdb:\/\//);
  expect(service.printed().split(key)).toHaveLength(2);
  expect(statSync(join(data.path, "admin-key")).mode & 0o777).toBe(0o600);
});

test("the lines it prints work when pasted", () => {
  const lines = /^URL=[\s\S]*mttr.*$/m.exec(service.printed())?.[0] ?? "";
  const answers = execFileSync("sh", ["-c", lines], { encoding: "utf8" }).trim().split("\n");
  expect(answers).toHaveLength(3);
  const [posted, timeline, mttr] = answers.map((line) => JSON.parse(line));
  expect(posted).toMatchObject({
    success: true,
    message: "Incident recorded successfully",
    incident_id: "test-123",
  });
  expect(timeline.items.map((item: { kind: string }) => item.kind)).toEqual(["ALERT", "RECOVERY"]);
  expect(mttr).toMatchObject({ n: 1, open: 0, mean_seconds: 750, grade: "elite" });
});

test("a second start on the same directory is refused and names the first", async () => {
  const second = await runToItsEnd({ dataDir: data.path });
  expect(second.code).toBe(1);
  expect(second.printed).toContain(data.path);
  expect(second.printed).toContain(String(service.child.pid));
  expect((await service.get("/health/ready", "")).status).toBe(200);
}, 60_000);

test("SIGTERM stops everything with exit code 0 and leaves no process behind", async () => {
  expect(childrenOn(data.path).length).toBeGreaterThan(1);
  const began = Date.now();
  expect(await stop(service)).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(childrenOn(data.path)).toEqual([]);
}, 30_000);

test("a stop that comes while everything is being made leaves nothing behind either", async () => {
  const early = temporaryDataDir();
  const { child, printed, ended } = launch({ dataDir: early.path });
  await until(() => /starting the embedded Postgres/.test(printed()), printed);
  child.kill("SIGTERM");
  expect(await ended, printed()).toBe(0);
  expect(childrenOn(early.path)).toEqual([]);
  await early.remove();
}, 60_000);

test("the next start says where the key is kept instead of printing it, and has what was recorded", async () => {
  const key = readFileSync(join(data.path, "admin-key"), "utf8").trim();
  service = await startService({ dataDir: data.path });
  expect(service.printed()).not.toContain(key);
  expect(service.printed()).toContain(join(data.path, "admin-key"));
  const projects = await service.get("/api/projects", key);
  const [project] = projects.body.items as { project_uuid: string }[];
  const mttr = await service.get(`/api/projects/${project?.project_uuid}/mttr`, key);
  expect(mttr.body).toMatchObject({ n: 1, mean_seconds: 750 });
  expect(await stop(service, "SIGINT")).toBe(0);
  expect(childrenOn(data.path)).toEqual([]);
}, 90_000);
