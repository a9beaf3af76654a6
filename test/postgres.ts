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

async function startServer(): Promise<EmbeddedPostgres> {
  await endAbandoned();
  const directory = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(directory, "owner.json"), JSON.stringify(identify(process.pid)));
  const started = await startEmbeddedPostgres({
    directory,
    port: await freePort(),
    env: {},
    // What a test stores need not survive the machine.
    settings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    watcher: { line: () => {}, ready: () => {}, lost: () => {} },
  });
  // Nothing can be awaited here, but the files can only go when the server has.
  process.on("exit", () => {
    const pid = started.pid();
    if (pid !== undefined) process.kill(pid, "SIGQUIT");
    const still = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < 100 && pid !== undefined && identify(pid) !== undefined; tries++) {
      Atomics.wait(still, 0, 0, 20);
    }
    rmSync(directory, { recursive: true, force: true });
  });
  return started;
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
