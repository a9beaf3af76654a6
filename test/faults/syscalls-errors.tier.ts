// A disk that fails or is full: nothing is acknowledged that was not flushed, a failed flush ends the process loudly, and
// a full disk only costs 503s while it is full.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { readAddress } from "../../src/processes/event-store-address.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import {
  adminKey,
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
} from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { metric } from "./figures.ts";
import { type Acknowledged, noneSent, type Sent, sentLine, startSenders } from "./senders.ts";
import { fileOf, needStrace, readTrace, startTraced, type Traced } from "./strace.ts";
import { orderCalls, orderIn } from "./syscalls-order.ts";
import { type Servers, startOutliving } from "./syscalls-service.ts";
import { prepareScenes, storeRound } from "./syscalls-store.ts";

const { random, test } = reportedTests(import.meta.path);
let servers: Servers;
/** For the services with an event store of their own: a read model follows one log. */
let own: TestDatabase;
let directory = "";
let dataDir = "";

beforeAll(async () => {
  needStrace();
  directory = mkdtempSync(join(tmpdir(), "ledger-disk-"));
  await prepareScenes(join(directory, "prepared"));
  servers = await startOutliving(20);
}, 120_000);
beforeEach(async () => {
  dataDir = await temporaryDataDir();
  own = await createTestDatabase();
});
afterEach(async () => {
  servers.store.thaw();
  await own.drop();
  await removeDataDir(dataDir);
});
afterAll(async () => {
  await servers.remove();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

const external = (): Record<string, string> => ({
  EVENTSTORE_URL: servers.store.url,
  DATABASE_URL: servers.database.url,
  ACK: "spool",
});
const url = (): string => `http://127.0.0.1:${servers.port}`;

/** A service under strace, ready. */
async function traced(
  env: Record<string, string>,
  inject: { readonly calls: string; readonly what: string; readonly when: string },
  more: { readonly paths?: readonly string[]; readonly stringBytes?: number } = {},
): Promise<Traced> {
  const running = startTraced({
    command: [process.execPath, "src/main.ts"],
    traceFile: join(directory, "trace"),
    calls: orderCalls,
    inject: [inject],
    fast: true,
    env: {
      ...process.env,
      ...env,
      ADMIN_API_KEY: adminKey,
      DATA_DIR: dataDir,
      PORT: String(servers.port),
      LOG_LEVEL: "warn",
    },
    ...more,
  });
  await waitFor(
    async () => (await checkedFetch(`${url()}/health/ready`).catch(() => undefined))?.status === 200,
    60_000,
    () => `It did not become ready:\n${running.printed()}`,
  );
  return running;
}

const restarted = (env: Record<string, string>): Promise<RunningService> =>
  startService({ dataDir, port: servers.port, env });

/** Starts it again, and finds everything acknowledged, once. */
async function allThere(
  report: Report,
  env: Record<string, string>,
  { project, sent }: { readonly project: string; readonly sent: Sent },
): Promise<void> {
  const service = await restarted(env);
  const eventstoreUrl = env.EVENTSTORE_URL ?? readAddress(join(dataDir, "eventstore")) ?? "";
  const databaseUrl = env.DATABASE_URL ?? own.url;
  const found = await check({ eventstoreUrl, databaseUrl, project, sent });
  console.log(`    ${sentLine(sent)}\n    ${checkLine(found)}`);
  report.tried({ requests: sent.byStatus });
  report.found(found);
  expect(await metric(url(), "ledger_spool_damaged_records")).toBe(0);
  await end(service.child, "SIGKILL");
  expect(faultsIn(found)).toBe(0);
}

describe("a flush that fails", () => {
  for (const n of [2, 3, 5, 8, 13, 21]) {
    test(`of the spool, the ${n}. of a thread: no 200 without a flush, and the service ends loudly`, async (report) => {
      report.tried({ failedFlush: n });
      const inject = { calls: "fdatasync", what: "error=EIO", when: String(n) };
      const running = await traced(external(), inject, { stringBytes: 200_000 });
      const { project, key } = servers.nextProject();
      // So that the spool alone flushes.
      servers.store.freeze();
      const sent = noneSent();
      const senders = startSenders(
        { port: servers.port, project, key, concurrency: 8, random: random.fork(`${n}`) },
        sent,
      );
      expect(await running.ended).toBe(1);
      await senders.stop();
      expect(running.printed()).toContain("the spool's disk has failed");
      const calls = readTrace(readFileSync(running.traceFile, "utf8"));
      const eventId = /(?<="(?:event_)?id\\":\\"|"(?:event_)?id":")[0-9a-f-]{36}/g;
      const mark = new RegExp(eventId.source.replaceAll('"', '\\\\?"'), "g");
      const { answers, early } = orderIn(calls, { mark, isKept: (file) => file.endsWith(".spool") });
      expect(calls.filter(({ result }) => result.includes("EIO")).length).toBeGreaterThan(0);
      report.found({ answers, early: early.length });
      expect(early).toEqual([]);
      // The first threads' second flush may come before the first answer.
      if (n >= 5) expect(answers).toBeGreaterThan(0);
      console.log(`  EIO in flush ${n}: ${answers} answers of 200, all flushed before`);
      servers.store.thaw();
      await allThere(report, external(), { project, sent });
    }, 90_000);
  }

  for (const [scene, file, n] of [
    ["recovery", "events.sqlite-wal", 2],
    ["recovery", "events.sqlite-wal", 4],
    ["recovery", "events.sqlite-wal", 8],
    ["checkpoint", "events.sqlite-wal", 6],
    ["first-start", "events.sqlite-wal", 5],
  ] as const) {
    test(`of ${file}, the ${n}. (${scene}): the event store ends loudly and keeps what it acknowledged`, async (report) => {
      report.tried({ scene, file, failedFlush: n });
      const kill = { call: "fsync", file, n, instead: "error=EIO" };
      const place = join(directory, "store");
      const round = await storeRound({ scene, prepared: join(directory, "prepared"), place, kill });
      report.found({ problems: round.problems, acknowledged: round.acknowledged, exitCode: round.ended });
      expect(round.problems).toEqual([]);
      expect(round.ended).toBe(1);
      expect(round.printed).toMatch(/could not flush and stops|disk I\/O error/);
      console.log(`  EIO in ${scene} ${file} ${n}: ${round.acknowledged} acknowledged, exit ${round.ended}`);
    }, 60_000);
  }

  test("may leave a journal that is in memory only: it is in the file, flushed, before more is acknowledged", async (report) => {
    const place = join(directory, "store");
    const prepared = join(directory, "prepared");
    const { trace } = await storeRound({ scene: "recovery", prepared, place, kill: undefined });
    const steps = readTrace(trace).map((call) => `${call.name} ${basename(fileOf(call) ?? "")}`);
    const emptied = steps.indexOf("ftruncate events.sqlite-wal");
    const flushed = steps.lastIndexOf("fsync events.sqlite", emptied);
    report.tried({ systemCalls: steps.length });
    report.found({ flushed, emptied });
    expect(flushed).toBeGreaterThan(steps.lastIndexOf("pwrite64 events.sqlite", emptied));
    expect(flushed).toBeGreaterThan(0);
    expect(steps.indexOf("pwrite64 events.sqlite-wal")).toBeGreaterThan(emptied);
  }, 60_000);

  test("of a checkpoint costs nothing: the journal has it all, and the next checkpoint writes it again", async (report) => {
    const kill = { call: "fsync", file: "events.sqlite", n: 1, instead: "error=EIO" };
    const place = join(directory, "store");
    const round = await storeRound({
      scene: "checkpoint",
      prepared: join(directory, "prepared"),
      place,
      kill,
    });
    report.tried({ scene: "checkpoint", file: kill.file, failedFlush: kill.n });
    report.found({ problems: round.problems, acknowledged: round.acknowledged });
    expect(round.trace).toContain("EIO");
    expect(round.problems).toEqual([]);
  }, 60_000);

  test("again and again in the embedded event store: it is started again, and no webhook is refused", async (report) => {
    const env = { DATABASE_URL: own.url, ACK: "store" };
    const inject = { calls: "fsync", what: "error=EIO", when: "12" };
    const paths = [join(dataDir, "eventstore", "events.sqlite-wal")];
    const running = await traced(env, inject, { paths });
    const service = { json: askJson } as Pick<RunningService, "json"> as RunningService;
    const { project, key } = await registerProject(service);
    const sent = await startSenders({
      ...{ port: servers.port, project, key, concurrency: 8, most: 1_000, perSecond: 300 },
      random: random.fork("again"),
    }).stop();
    await running.end("SIGKILL");
    expect([...sent.byStatus.keys()]).toEqual([200]);
    const failed = readTrace(readFileSync(running.traceFile, "utf8")).filter(({ result }) =>
      result.includes("EIO"),
    );
    console.log(`  the embedded event store failed ${failed.length} flushes`);
    report.found({ failedFlushes: failed.length });
    expect(failed.length).toBeGreaterThan(1);
    expect(running.printed()).toContain("the embedded event store is lost");
    await allThere(report, env, { project, sent });
  }, 120_000);
});

async function askJson<T>(
  method: string,
  path: string,
  options: { key?: string; body?: unknown } = {},
): Promise<T> {
  const answer = await checkedFetch(url() + path, {
    method,
    headers: { "X-API-Key": options.key ?? "", "Content-Type": "application/json" },
    body: JSON.stringify(options.body),
  });
  return (await answer.json()) as T;
}

describe("a full disk", () => {
  test("under the spool by injection: 503 while it is full, then 200 again by itself", async (report) => {
    const inject = { calls: "pwrite64", what: "error=ENOSPC", when: "5..25" };
    const paths = [join(dataDir, "spool", "00000000000000000001.spool")];
    const running = await traced(external(), inject, { paths });
    const { project, key } = servers.nextProject();
    servers.store.freeze();
    const sent = noneSent();
    const story = await untilRecovered({ project, key, sent });
    await running.end("SIGKILL");
    servers.store.thaw();
    console.log(`  ENOSPC in the spool: ${story}`);
    await allThere(report, external(), { project, sent });
  }, 60_000);

  test("under the embedded event store by injection: the spool takes it, no webhook is refused", async (report) => {
    const env = { DATABASE_URL: own.url, ACK: "store" };
    const inject = { calls: "pwrite64", what: "error=ENOSPC", when: "120..400" };
    const paths = [join(dataDir, "eventstore", "events.sqlite-wal")];
    const running = await traced(env, inject, { paths });
    const service = { json: askJson } as Pick<RunningService, "json"> as RunningService;
    const { project, key } = await registerProject(service);
    const options = { port: servers.port, project, key, concurrency: 8, most: 2_000, perSecond: 400 };
    const sent = await startSenders({ ...options, random: random.fork("store full") }).stop();
    await running.end("SIGKILL");
    expect([...sent.byStatus.keys()]).toEqual([200]);
    expect(readFileSync(running.traceFile, "utf8")).toContain("ENOSPC");
    await allThere(report, env, { project, sent });
  }, 90_000);

  test("that the spool filled itself: what drains makes room", async (report) => {
    const spool = join(dataDir, "spool");
    mkdirSync(spool, { mode: 0o700 });
    mount(spool, "1m");
    try {
      const service = await restarted(external());
      const { project, key } = servers.nextProject();
      servers.store.freeze();
      const sent = noneSent();
      const story = await untilRecovered({ project, key, sent, whenFull: servers.store.thaw });
      await end(service.child, "SIGKILL");
      console.log(`  a tmpfs of 1 MiB under the spool: ${story}`);
      await allThere(report, external(), { project, sent });
    } finally {
      unmount(spool);
    }
  }, 90_000);

  test("under everything, until somebody makes room", async (report) => {
    mount(dataDir, "4m");
    try {
      const env = { DATABASE_URL: own.url, ACK: "store" };
      const service = await restarted(env);
      const { project, key } = await registerProject(service);
      const ballast = join(dataDir, "ballast");
      fill(ballast, 100_000);
      const sent = noneSent();
      const story = await untilRecovered({ project, key, sent, whenFull: () => rmSync(ballast) });
      await end(service.child, "SIGKILL");
      console.log(`  a tmpfs of 4 MiB under event store and spool: ${story}`);
      await allThere(report, env, { project, sent });
    } finally {
      unmount(dataDir);
    }
  }, 90_000);
});

/** Posts until webhooks were refused for want of room and then taken again, many in a row. */
async function untilRecovered(options: {
  readonly project: string;
  readonly key: string;
  readonly sent: Sent;
  readonly whenFull?: () => void;
}): Promise<string> {
  const { sent } = options;
  let refused = 0;
  let takenBefore = 0;
  let inARow = 0;
  const until = performance.now() + 30_000;
  for (let n = 0; inARow < 50; n++) {
    if (performance.now() > until)
      throw new Error(`Not recovered: ${takenBefore} taken, then ${refused} refused, ${inARow} again`);
    const body = JSON.stringify({
      incident_id: `full-${n}`,
      project_uuid: options.project,
      status: "DOWN",
      incident_time: "2025-01-15T10:30:00Z",
      note: "x".repeat(refused === 0 ? 3_000 : 100),
    });
    sent.bodies.add(body);
    const answer = await checkedFetch(`${url()}/api/incidents/webhook/`, {
      method: "POST",
      headers: { "X-API-Key": options.key },
      body,
    });
    sent.byStatus.set(answer.status, (sent.byStatus.get(answer.status) ?? 0) + 1);
    if (answer.status === 200) {
      const acknowledged = (await answer.json()) as Acknowledged;
      sent.acknowledged.set(acknowledged.event_id, acknowledged);
      if (refused === 0) takenBefore++;
      else inARow++;
      continue;
    }
    inARow = 0;
    refused++;
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    if (refused === 20) options.whenFull?.();
  }
  return `${takenBefore} taken, then ${refused} times 503 with Retry-After, then taken again`;
}

/** Puts a small file system of its own there: only root may. */
function mount(place: string, size: string): void {
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0711`, "tmpfs", place]);
  if (status !== 0) throw new Error(`Cannot mount a tmpfs on ${place}: run this tier as root.`);
}

const unmount = (place: string): void => void spawnSync("umount", ["-l", place]);

/** Takes what room there is, but for so many bytes. */
function fill(path: string, leave: number): void {
  const blocks = spawnSync("stat", ["-f", "-c", "%a %S", join(path, "..")])
    .stdout.toString()
    .trim()
    .split(" ")
    .map(Number);
  writeFileSync(path, Buffer.alloc(Math.max(0, (blocks[0] ?? 0) * (blocks[1] ?? 0) - leave), 1));
}
