// bun run import against a running service: figures as if the tools had sent webhooks, once however often it is run, and a
// reason for every row that is not in them.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../commands.ts";
import {
  adminKey,
  checkout,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";

let service: RunningService;
let directory = "";
let project = "";
let key = "";

beforeAll(async () => {
  service = await startService();
  directory = mkdtempSync(join(tmpdir(), "incident-ledger-test-"));
}, 90_000);
beforeEach(async () => {
  ({ project, key } = await registerProject(service));
});
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
  rmSync(directory, { recursive: true });
}, 30_000);

const write = (name: string, lines: readonly string[]): string => {
  const file = join(directory, `${project}-${name}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
};
const importFile = (file: string, ...more: readonly string[]) =>
  runCommand("import", {
    dataDir: service.dataDir,
    args: [file, "--project", project, "--url", service.url, ...more],
    env: { ADMIN_API_KEY: adminKey },
  });
const mttr = async (): Promise<Record<string, unknown>> => {
  const { body } = await service.get(`/api/projects/${project}/mttr?fresh=true`, key);
  return { n: body.n, open: body.open, mean_seconds: body.mean_seconds };
};

test("a PagerDuty report counts like its webhooks, once however often it is imported", async () => {
  const file = write("incidents.csv", [
    "id,description,service_id,service_name,created_on,resolved_on",
    "Q1,Checkout is slow,P1,Checkout,2024-05-01T10:00:00+00:00,2024-05-01T10:10:00+00:00",
    "Q2,Checkout is down,P1,Checkout,2024-05-02T10:00:00+00:00,2024-05-02T10:20:00+00:00",
    "Q3,Search is down,P2,Search,2024-05-03T10:00:00+00:00,",
  ]);
  const first = await importFile(file, "--from", "pagerduty");
  expect(first).toMatchObject({ code: 0 });
  expect(first.stdout).toContain("Read 3 rows");
  expect(first.stdout).toContain("5 webhooks recorded, 0 rows refused");
  expect(await mttr()).toEqual({ n: 2, open: 1, mean_seconds: 900 });
  expect((await importFile(file, "--from", "pagerduty")).code).toBe(0);
  expect(await mttr()).toEqual({ n: 2, open: 1, mean_seconds: 900 });
});

test("rows that the contract refuses are named with its reason, and the others are recorded", async () => {
  const file = write("signals.ndjson", [
    JSON.stringify({ incident_id: "a", status: "DOWN", incident_time: "2024-05-01 10:00:00" }),
    JSON.stringify({ incident_id: "a", status: "UP", incident_time: "yesterday" }),
    "no JSON",
    JSON.stringify({ incident_id: "a", status: "UP", incident_time: "2024-05-01 10:05:00" }),
  ]);
  const run = await importFile(file);
  expect(run.code).toBe(3);
  const refused = readFileSync(`${file}.refused.ndjson`, "utf8").trim().split("\n");
  expect(refused.map((line) => JSON.parse(line))).toEqual([
    { row: 2, outcome: "refused", reason: expect.stringContaining('Cannot read incident_time "yesterday"') },
    { row: 3, outcome: "refused", reason: "it is no JSON object" },
  ]);
  expect(await mttr()).toEqual({ n: 1, open: 0, mean_seconds: 300 });
});

test("an import that is killed goes on where it was, and ends with the same figures", async () => {
  const rows = Array.from({ length: 6_000 }, (_, at) => {
    const day = new Date(Date.UTC(2023, 0, 1) + at * 3_600_000);
    const later = new Date(day.getTime() + 600_000);
    return `D${at},INCIDENT,DONE,${day.toISOString()},${later.toISOString()}`;
  });
  const file = write("devlake.csv", ["id,type,status,created_date,resolution_date", ...rows]);
  const { DATABASE_URL: _database, EVENTSTORE_URL: _store, ...inherited } = process.env;
  const args = [file, "--from", "devlake", "--project", project, "--url", service.url];
  const child = spawn(process.execPath, ["src/import/import-command.ts", ...args], {
    cwd: checkout,
    env: { ...inherited, DATA_DIR: service.dataDir, ADMIN_API_KEY: adminKey },
    stdio: "ignore",
  });
  const over = new Promise((resolve) => child.once("close", resolve));
  await waitFor(
    () => existsSync(`${file}.import.json`),
    30_000,
    () => "The import keeps no progress.",
  );
  child.kill("SIGKILL");
  await over;
  const again = await importFile(file, "--from", "devlake");
  expect(again.code).toBe(0);
  expect(again.stderr).toContain("Goes on after row");
  expect(again.stdout).toContain("Read 6000 rows");
  expect(existsSync(`${file}.import.json`)).toBe(false);
  expect(await mttr()).toEqual({ n: 6_000, open: 0, mean_seconds: 600 });
}, 120_000);

test("a wrong key, a wrong word and a file that is not there each say what to do", async () => {
  const file = write("none.csv", ["incident_id", "a"]);
  const keyFile = write("key", ["ilk_not-a-key-that-anybody-has"]);
  expect(await importFile(file, "--key-file", keyFile)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("refuses the key"),
  });
  expect(await importFile(file, "--from", "nagios")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("say contract, pagerduty, opsgenie, devlake"),
  });
  expect(await importFile(`${file}.gone`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("There is no file"),
  });
});
