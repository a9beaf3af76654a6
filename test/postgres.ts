// One real Postgres for a test process, and databases of their own for the tests in it.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../src/processes/ports.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../src/readmodel/embedded-postgres.ts";

export interface TestDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

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
  const directory = mkdtempSync(join(tmpdir(), "ledger-postgres-"));
  const started = await startEmbeddedPostgres({
    directory,
    port: await freePort(),
    env: {},
    // What a test stores need not survive the machine.
    settings: ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
    watcher: { line: () => {}, ready: () => {}, lost: () => {} },
  });
  // Nothing can be awaited here: the signal is sent and the files are removed under the ending server.
  process.on("exit", () => {
    const pid = started.pid();
    if (pid !== undefined) process.kill(pid, "SIGQUIT");
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return started;
}

async function withAdmin(url: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
