// The Postgres that comes with the service survives what may happen to it and to the service.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../../src/processes/ports.ts";
import { identify } from "../../src/processes/process-identity.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";

let directory = "";
let running: EmbeddedPostgres | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-embedded-"));
});
afterAll(async () => {
  await running?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("what is stored survives a kill -9 of the server, which comes back on the same port", async () => {
  running = await start();
  const { url } = running;
  expect(await query(url, (sql) => sql`SHOW fsync`)).toEqual([{ fsync: "on" }]);
  await query(url, (sql) => sql`CREATE TABLE kept AS SELECT 1 AS number`);
  const first = running.pid() ?? 0;
  process.kill(first, "SIGKILL");
  await eventually(() => query(url, (sql) => sql`SELECT number FROM kept`));
  expect(running.pid()).not.toBe(first);
  await running.stop();
  expect(running.pid()).toBeUndefined();
}, 60_000);

test("a server whose service was killed is ended by the next start", async () => {
  const file = join(import.meta.dirname, "../../src/readmodel/embedded-postgres.ts");
  const script = `
    import { startEmbeddedPostgres } from ${JSON.stringify(file)};
    const watcher = { line() {}, ready() {}, lost() {} };
    const started = await startEmbeddedPostgres({
      directory: ${JSON.stringify(directory)}, port: ${await freePort()}, env: {}, watcher });
    console.log(started.pid());
    setInterval(() => {}, 1000);`;
  const service = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const left = await new Promise<number>((resolve) => {
    service.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
  service.kill("SIGKILL");
  expect(identify(left)).toBeDefined();
  running = await start();
  expect(identify(left)).toBeUndefined();
  expect(await query(running.url, (sql) => sql`SELECT number FROM kept`)).toEqual([{ number: 1 }]);
  await running.stop();
}, 60_000);

test("a process id in postmaster.pid that somebody else has now does not stop the start", async () => {
  const file = join(directory, "data", "postmaster.pid");
  writeFileSync(file, `${process.pid}\n${join(directory, "data")}\n1\n1\n\n127.0.0.1\n0 0\nready\n`);
  running = await start();
  expect(readFileSync(file, "utf8").split("\n")[0]).toBe(String(running.pid()));
  await running.stop();
}, 60_000);

test("the password is for its owner only and is asked for", async () => {
  expect(statSync(join(directory, "password")).mode & 0o777).toBe(0o600);
  running = await start();
  const wrong = running.url.replace(/:[0-9a-f]+@/, ":wrong@");
  await expect(query(wrong, (sql) => sql`SELECT 1`)).rejects.toThrow(/password authentication failed/);
  await running.stop();
}, 60_000);

test("lost while it runs, it is made anew with the same address", async () => {
  running = await start();
  const { url } = running;
  await query(url, (sql) => sql`CREATE TABLE lost AS SELECT 1 AS number`);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  process.kill(running.pid() ?? 0, "SIGKILL");
  await eventually(() => query(url, (sql) => sql`CREATE TABLE lost AS SELECT 2 AS number`));
  expect(await query(url, (sql) => sql`SELECT number FROM lost`)).toEqual([{ number: 2 }]);
  await running.stop();
}, 60_000);

for (const lost of ["password", "data", "data/global/pg_control"]) {
  test(`without its ${lost} it is made anew by the next start`, async () => {
    rmSync(join(directory, lost), { recursive: true });
    running = await start();
    expect(await query(running.url, (sql) => sql`SELECT to_regclass('lost')::text AS found`)).toEqual([
      { found: null },
    ]);
    await query(running.url, (sql) => sql`CREATE TABLE lost AS SELECT 1 AS number`);
    await running.stop();
  }, 60_000);
}

const start = async (): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({
    directory,
    port: await freePort(),
    env: {},
    watcher: { line: () => {}, ready: () => {}, lost: () => {} },
  });

async function query(url: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<unknown> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return await run(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + 30_000;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
