// Honest health (O1): ready says within 2 s that a dependency is gone, by name, and within 2 s that it is back (5 s where
// Postgres has to recover), however it went and however long it was away. Webhooks are taken all the while.
//
//   bun test ./test/faults/health.tier.ts

import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "../../src/processes/ports.ts";
import { processesWorkingIn } from "../../src/processes/process-identity.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { type RunningService, registerProject, removeDataDir, startService } from "../running-service.ts";

const { test } = reportedTests(import.meta.path);

/** What was promised, and so what is asserted. What is measured is printed. */
const [lostWithinMs, backWithinMs, recoveredWithinMs] = [2_000, 2_000, 5_000];
const awayMs = { short: 3_000, long: 12_000 };

interface Dependency {
  readonly name: "eventstore" | "postgres";
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly kill: () => Promise<void>;
  /** Resolves once it takes questions again. */
  readonly start: () => Promise<void>;
}

let store: StoreProcess;
let database: EmbeddedPostgres;
let databaseUrl = "";
let databaseDirectory = "";
let databasePort = 0;
let service: RunningService;
let project = "";
let key = "";

beforeAll(async () => {
  databaseDirectory = mkdtempSync(join(tmpdir(), "ledger-health-"));
  databasePort = await freePort();
  store = await storeProcess();
  database = await startDatabase();
  databaseUrl = database.url;
  service = await startService({ env: { EVENTSTORE_URL: store.url, DATABASE_URL: databaseUrl } });
  ({ project, key } = await registerProject(service));
}, 120_000);

afterAll(async () => {
  await service?.stop();
  await store?.remove();
  await database?.stop();
  if (service !== undefined) await removeDataDir(service.dataDir);
  rmSync(databaseDirectory, { recursive: true, force: true });
}, 60_000);

const dependencies: readonly Dependency[] = [
  {
    name: "eventstore",
    freeze: () => store.freeze(),
    thaw: () => store.thaw(),
    kill: () => store.kill(),
    start: () => store.start(),
  },
  {
    name: "postgres",
    freeze: () => signalDatabase("SIGSTOP"),
    thaw: () => signalDatabase("SIGCONT"),
    // Without its supervisor, which would start it again at once.
    kill: async () => {
      const ending = database.stop();
      signalDatabase("SIGKILL");
      await ending;
    },
    start: async () => {
      database = await startDatabase();
    },
  },
];

for (const dependency of dependencies) {
  for (const [length, ms] of Object.entries(awayMs)) {
    test(`${dependency.name} frozen, ${length}`, async (report) => {
      const lost = performance.now();
      dependency.freeze();
      await told({ report, dependency, how: "frozen" }, { lost, awayMs: ms, backWithinMs }, async () => {
        const back = performance.now();
        dependency.thaw();
        return back;
      });
    }, 90_000);

    test(`${dependency.name} killed, ${length}`, async (report) => {
      const lost = performance.now();
      await dependency.kill();
      const within = dependency.name === "postgres" ? recoveredWithinMs : backWithinMs;
      await told(
        { report, dependency, how: "killed" },
        { lost, awayMs: ms, backWithinMs: within },
        async () => {
          await dependency.start();
          return performance.now();
        },
      );
    }, 90_000);
  }
}

/** Asserts when ready said so, what it said, and that webhooks were taken; prints how long it took. */
async function told(
  {
    report,
    dependency: { name },
    how,
  }: { readonly report: Report; readonly dependency: Dependency; readonly how: string },
  bounds: { readonly lost: number; readonly awayMs: number; readonly backWithinMs: number },
  back: () => Promise<number>,
): Promise<void> {
  const lostMs = (await readyIs(503, bounds.lost)) - bounds.lost;
  const said = (await (await checkedFetch(`${service.url}/health/ready`)).json()) as {
    dependencies: Record<string, { ok: boolean }>;
  };
  expect(said.dependencies[name]).toMatchObject({ ok: false });
  expect((await checkedFetch(`${service.url}/health/live`)).status).toBe(200);
  expect(await unreadable()).toMatchObject({ success: true, quarantined: 1 });
  const untilMs = bounds.lost + bounds.awayMs;
  let webhooks = 0;
  do {
    expect(await webhook(`${name}-${how}-${webhooks}`)).toBe(200);
    expect((await checkedFetch(`${service.url}/health/ingest`)).status).toBe(200);
    webhooks += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (performance.now() < untilMs);
  const returned = await back();
  const backMs = (await readyIs(200, returned)) - returned;
  console.log(
    `${name} ${how} for ${(bounds.awayMs / 1_000).toFixed(1)} s: not ready after ${lostMs.toFixed(0)} ms, ready ${backMs.toFixed(0)} ms after its return; ${webhooks} webhooks meanwhile, all acknowledged`,
  );
  report.tried({ awayMs: bounds.awayMs });
  report.found({ acknowledged: webhooks });
  report.timeBound("not ready after the loss in ms", lostMs, { below: lostWithinMs });
  report.timeBound("ready after the return in ms", backMs, { below: bounds.backWithinMs });
}

/** When an answer with this status came, asking one time after the other; at most 40 s after `from`. */
async function readyIs(status: number, from: number): Promise<number> {
  let last = "";
  while (performance.now() < from + 40_000) {
    const answer = await checkedFetch(`${service.url}/health/ready`);
    last = await answer.text();
    if (answer.status === status) return performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`/health/ready did not become ${status}: ${last}\n${service.output().slice(-4_000)}`);
}

async function webhook(incident_id: string): Promise<number> {
  const answer = await checkedFetch(`${service.url}/api/incidents/webhook/`, {
    method: "POST",
    headers: { "X-API-Key": key },
    body: JSON.stringify({
      incident_id,
      project_uuid: project,
      status: "DOWN",
      incident_time: new Date().toISOString(),
    }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** What no source can read is kept as well. */
async function unreadable(): Promise<unknown> {
  const answer = await checkedFetch(`${service.url}/api/incidents/webhook/alertmanager`, {
    method: "POST",
    headers: { "X-API-Key": key },
    body: JSON.stringify({ of: "no source", at: Date.now() }),
  });
  return answer.json();
}

async function startDatabase(): Promise<EmbeddedPostgres> {
  const started = await startEmbeddedPostgres({
    directory: databaseDirectory,
    port: databasePort,
    env: {},
    watcher: { line: () => {}, ready: () => {}, lost: () => {} },
  });
  const sql = postgres(started.url, { max: 1, onnotice: () => {} });
  await sql`select 1`;
  await sql.end();
  return started;
}

function signalDatabase(signal: NodeJS.Signals): void {
  for (const { pid } of processesWorkingIn(join(databaseDirectory, "data"))) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended in between.
    }
  }
}
