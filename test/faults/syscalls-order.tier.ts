// Every 200 comes after the flush of what it acknowledges: read off the system calls of the service, and of the embedded
// event store where that is what keeps it.

import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { adminKey, removeDataDir, temporaryDataDir } from "../running-service.ts";
import { openConnection } from "./connection.ts";
import { type Call, fileOf, needStrace, readTrace, startTraced } from "./strace.ts";
import { orderCalls, orderIn } from "./syscalls-order.ts";
import { type Servers, startOutliving } from "./syscalls-service.ts";

const { test } = reportedTests(import.meta.path);

const connections = 16;
const mark = /mark-\d{6}-/g;
let servers: Servers;
let own: TestDatabase;
let directory = "";

beforeAll(async () => {
  needStrace();
  directory = mkdtempSync(join(tmpdir(), "ledger-order-"));
  servers = await startOutliving(2);
  own = await createTestDatabase();
}, 60_000);
afterAll(async () => {
  await servers.remove();
  await own.drop();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

test("with ACK=spool, each of 10,000 webhooks is in the spool and flushed before its 200", async (report) => {
  const env = { EVENTSTORE_URL: servers.store.url, DATABASE_URL: servers.database.url, ACK: "spool" };
  const calls = await traced(env, 10_000, servers.nextProject);
  const options = { mark, isKept: (file: string) => file.endsWith(".spool") };
  const { answers, flushes, early } = orderIn(calls, options);
  console.log(`  ACK=spool: ${answers} answers of 200, ${flushes} flushes, ${early.length} too early`);
  report.tried({ webhooks: 10_000 });
  report.found({ answers, flushes, early: early.length });
  expect(early).toEqual([]);
  expect(answers).toBe(10_000);

  // The check sees a flush that is missing, one that failed, and a name that may be lost.
  const isFlush = ({ name }: Call): boolean => name === "fdatasync";
  const last = calls.findLast((call) => isFlush(call) && fileOf(call)?.endsWith(".spool"));
  const without = calls.filter((call) => call !== last);
  expect(orderIn(without, options).early.length).toBeGreaterThan(0);
  const failed = calls.map((call) => (call === last ? { ...call, result: "-1 EIO" } : call));
  expect(orderIn(failed, options).early.length).toBeGreaterThan(0);
  const unnamed = calls.filter((call) => !fileOf(call)?.endsWith("/spool"));
  expect(orderIn(unnamed, options).early.length).toBeGreaterThan(9_000);
}, 120_000);

test("with ACK=store, each of 10,000 webhooks is in the event store's journal and flushed before its 200", async (report) => {
  const calls = await traced({ DATABASE_URL: own.url, ACK: "store" }, 10_000);
  // One that the store took too long for is on the spool.
  const isKept = (file: string): boolean => file.endsWith("events.sqlite-wal") || file.endsWith(".spool");
  const { answers, flushes, early } = orderIn(calls, { mark, isKept });
  console.log(`  ACK=store: ${answers} answers of 200, ${flushes} flushes, ${early.length} too early`);
  report.tried({ webhooks: 10_000 });
  report.found({ answers, flushes, early: early.length });
  expect(early).toEqual([]);
  expect(answers).toBe(10_000);
  const unflushed = calls.filter((call) => !(call.name === "fsync" && fileOf(call)?.endsWith("sqlite-wal")));
  expect(orderIn(unflushed, { mark, isKept }).early.length).toBeGreaterThan(1_000);
}, 120_000);

/** What strace saw of a service that took so many webhooks. */
async function traced(
  env: Record<string, string>,
  count: number,
  project?: () => { readonly project: string; readonly key: string },
): Promise<readonly Call[]> {
  const dataDir = await temporaryDataDir();
  const url = `http://127.0.0.1:${servers.port}`;
  const running = startTraced({
    command: [process.execPath, "src/main.ts"],
    traceFile: join(directory, "trace"),
    calls: orderCalls,
    fast: true,
    stringBytes: 200_000,
    env: {
      ...process.env,
      ...env,
      ADMIN_API_KEY: adminKey,
      DATA_DIR: join(dataDir, "made", "here"),
      PORT: String(servers.port),
      LOG_LEVEL: "warn",
    },
  });
  try {
    const until = performance.now() + 60_000;
    while ((await checkedFetch(`${url}/health/ready`).catch(() => undefined))?.status !== 200) {
      if (performance.now() > until) throw new Error(`It did not become ready:\n${running.printed()}`);
      await pause(25);
    }
    const { project: uuid, key } = project?.() ?? (await registered(url));
    let next = 0;
    const send = async (): Promise<void> => {
      const connection = openConnection(servers.port);
      while (next < count) {
        const body = JSON.stringify({
          incident_id: `mark-${String(next++).padStart(6, "0")}-`,
          project_uuid: uuid,
          status: "DOWN",
          incident_time: "2025-01-15T10:30:00Z",
        });
        const answer = await connection.post("/api/incidents/webhook/", key, body);
        expect(answer.status).toBe(200);
      }
      connection.close();
    };
    await Promise.all(Array.from({ length: connections }, send));
    await running.end("SIGTERM");
    return readTrace(readFileSync(running.traceFile, "utf8"));
  } finally {
    await running.end("SIGKILL");
    await removeDataDir(dataDir);
  }
}

async function registered(url: string): Promise<{ readonly project: string; readonly key: string }> {
  const ask = async (path: string, body: unknown) => {
    const headers = { "X-API-Key": adminKey, "Content-Type": "application/json" };
    const answer = await checkedFetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, string>;
  };
  const { project_uuid: project = "" } = await ask("/api/projects", { name: "Shop" });
  const { key = "" } = await ask(`/api/projects/${project}/keys`, { label: "t", scopes: ["ingest"] });
  return { project, key };
}
