// One real Postgres for a test process, and databases of their own for the tests in it.

import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../src/processes/ports.ts";
import {
  endProcess,
  identify,
  isAlive,
  type ProcessIdentity,
  processesWorkingIn,
} from "../src/processes/process-identity.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/readmodel/embedded-postgres.ts";

export interface TestDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

const prefix = "ledger-postgres-";
let directory = "";
let server: Promise<EmbeddedPostgres> | undefined;

/** An empty database on the shared server, which starts with the first call and ends with the process. */
export async function createTestDatabase(): Promise<TestDatabase> {
  server ??= startServer();
  const { url } = await server;
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await withAdmin(url, (sql) => sql`CREATE DATABASE ${sql(name)}`);
  return {
    url: url.replace(/[^/]+$/, name),
    drop: () => withAdmin(url, (sql) => sql`DROP DATABASE ${sql(name)} WITH (FORCE)`),
  };
}

/** Called once, after the last test of the process (test/after-all-tests.ts). */
export async function endTestServer(): Promise<void> {
  if (server === undefined) return;
  const started = await server;
  await started.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function startServer(): Promise<EmbeddedPostgres> {
  await endAbandoned();
  directory = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(directory, "owner.json"), JSON.stringify(identify(process.pid)));
  return startEmbeddedPostgres({
    directory,
    port: await freePort(),
    env: {},
    // What a test stores need not survive the machine.
    settings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    watcher: { line: () => {}, ready: () => {}, lost: () => {} },
  });
}

// A test process that is killed cannot end its server: the next one does.
async function endAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const directory = join(tmpdir(), name);
    try {
      const owner: ProcessIdentity = JSON.parse(readFileSync(join(directory, "owner.json"), "utf8"));
      if (isAlive(owner)) continue;
      for (const left of processesWorkingIn(join(directory, "data"))) {
        await endProcess(left, ["SIGQUIT", "SIGKILL"], 2_000);
      }
      rmSync(directory, { recursive: true, force: true });
    } catch {
      // Another user's, or not this kind of directory.
    }
  }
}

async function withAdmin(url: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
