// The event store frozen, and down for a minute; Postgres down for a minute, and a table locked; all under a constant
// load: every webhook is acknowledged, and all of it is where it belongs soon after, in order and once.

import { afterAll, expect } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { quiet, storeProcess } from "../eventstore/adapter-store.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { createTestDatabase } from "../postgres.ts";
import {
  type RunningService,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
} from "../running-service.ts";
import { type Check, type CheckOptions, check, checkLine, eventsOf, faultsIn } from "./checker.ts";
import { metric, residentMib } from "./figures.ts";
import { registerPatiently } from "./register-patiently.ts";
import { type Sent, sentLine, startSenders } from "./senders.ts";

const awayMs = setting("FAULT_AWAY_SECONDS", 60) * 1000;
/** Of each of the three services here, which run at once. */
const perSecond = 100;
const { random, test } = reportedTests(import.meta.path);
const cleanUps: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}, 60_000);

for (const ack of ["store", "spool"]) {
  test.concurrent(`the event store frozen and away, with ACK=${ack}`, async (report) => {
    const [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
    cleanUps.push(store.remove, database.drop);
    const urls = { eventstoreUrl: store.url, databaseUrl: database.url };
    const { service, project, stop } = await underLoad(`store ${ack}`, urls, ack);
    await pause(3_000);

    store.freeze();
    await pause(6_000);
    store.thaw();
    const thawedReadyMs = await readyAfter(service);
    await drained(service);

    const calmMib = residentMib(pidOf(service));
    const downAtMs = performance.now();
    await store.kill();
    const mostMib = await watched(awayMs, () => residentMib(pidOf(service)));
    const oldest = await metric(service.url, "ledger_spool_oldest_seconds");
    const upAtMs = performance.now();
    await store.start();
    const waiting = (await metric(service.url, "ledger_spool_records")) ?? 0;
    const drainStartedAt = performance.now();
    const readyMs = await readyAfter(service);
    await drained(service);
    const drainMs = performance.now() - drainStartedAt;
    await pause(1_000);
    const { sent, found } = await stop();

    console.log(
      `  ACK=${ack}: ready ${thawedReadyMs.toFixed(0)} ms after the thaw, ${readyMs.toFixed(0)} ms after the start`,
    );
    console.log(
      `  ACK=${ack}: spooled ${waiting} in ${awayMs / 1000} s (oldest ${oldest?.toFixed(0)} s); drained in ${drainMs.toFixed(0)} ms (${((waiting / drainMs) * 1000).toFixed(0)} a second, beside the load); ${calmMib.toFixed(0)} MiB resident before, at most ${mostMib.toFixed(0)} meanwhile`,
    );
    const disordered = await overtaken(store.url, project, sent, { from: downAtMs, to: upAtMs });
    console.log(
      `  ACK=${ack}: ${disordered.compared} spooled while it was away, ${disordered.overtaken} of them out of order`,
    );
    report.tried({ awayMs, requests: sent.byStatus });
    report.found({ ...found, ...disordered });
    expect([...sent.byStatus.keys()]).toEqual([200]);
    expect(faultsIn(found)).toBe(0);
    expect(disordered.compared).toBeGreaterThan((awayMs / 1000) * perSecond * 0.4);
    expect(disordered.overtaken).toBe(0);
    expect(mostMib - calmMib).toBeLessThan(150);
    report.timeBound("ready after the thaw in ms", thawedReadyMs, { below: 4_000 });
    report.timeBound("ready after the start in ms", readyMs, { below: 4_000 });
  }, 900_000);
}

test.concurrent("Postgres away, then a table locked", async (report) => {
  const directory = join(await temporaryDataDir(), "postgres");
  mkdirSync(directory, { mode: 0o755 });
  const postgresPort = await freePort();
  const startPostgres = () =>
    startEmbeddedPostgres({
      directory,
      port: postgresPort,
      env: {},
      watcher: { line: () => {}, ready: () => {}, lost: () => {} },
    });
  let postgres = await startPostgres();
  const store = await storeProcess();
  cleanUps.push(store.remove, () => postgres.stop());
  const urls = { eventstoreUrl: store.url, databaseUrl: postgres.url };
  const { service, stop } = await underLoad("postgres", urls, "store");
  await pause(3_000);

  await postgres.stop();
  await pause(awayMs);
  const lagAway = (await metric(service.url, "ledger_projector_lag_seconds")) ?? 0;
  postgres = await startPostgres();
  const readyMs = await readyAfter(service);
  const caughtUpMs = await caughtUp(service);

  const sql = openPostgres(postgres.url, {
    maxConnections: 1,
    applicationName: "lock",
    statementTimeoutMs: 0,
  });
  await sql`begin`;
  await sql`lock table records in access exclusive mode`;
  await pause(6_000);
  const lagLocked = (await metric(service.url, "ledger_projector_lag_seconds")) ?? 0;
  await sql`commit`;
  const unlockedMs = await caughtUp(service);
  await sql.end();
  const { sent, found } = await stop();

  console.log(
    `  Postgres away ${awayMs / 1000} s: lag ${lagAway.toFixed(1)} s, ready ${readyMs.toFixed(0)} ms after it was back, caught up ${caughtUpMs.toFixed(0)} ms later; locked 6 s: lag ${lagLocked.toFixed(1)} s, caught up ${unlockedMs.toFixed(0)} ms after`,
  );
  report.tried({ awayMs, requests: sent.byStatus });
  report.found(found);
  expect([...sent.byStatus.keys()]).toEqual([200]);
  // Webhooks go on into the event store; a few may find it busy.
  const spooled = [...sent.acknowledged.values()].filter(({ durability }) => durability === "spooled").length;
  expect(spooled).toBeLessThan(sent.acknowledged.size / 2);
  expect(faultsIn(found)).toBe(0);
  expect(lagAway).toBeGreaterThan((awayMs / 1000) * 0.8);
  expect(lagLocked).toBeGreaterThan(4);
  report.timeBound("ready after its return in ms", readyMs, { below: 10_000 });
}, 300_000);

interface UnderLoad {
  readonly service: RunningService;
  readonly project: string;
  /** Ends load and service; what was sent, and what became of it. */
  readonly stop: () => Promise<{ readonly sent: Sent; readonly found: Check }>;
}

async function underLoad(
  name: string,
  urls: Pick<CheckOptions, "eventstoreUrl" | "databaseUrl">,
  ack: string,
): Promise<UnderLoad> {
  const service = await startService({
    env: { EVENTSTORE_URL: urls.eventstoreUrl, DATABASE_URL: urls.databaseUrl, ACK: ack },
  });
  cleanUps.push(async () => {
    await service.stop();
    await removeDataDir(service.dataDir);
  });
  const { project, key } = await registerPatiently(service);
  const load = { project, key, port: service.port, concurrency: 24, perSecond, random: random.fork(name) };
  const senders = startSenders(load);
  return {
    service,
    project,

    stop: async () => {
      const sent = await senders.stop();
      console.log(`  ${name}: ${sentLine(sent)}`);
      const found = await check({ ...urls, project, sent });
      console.log(`  ${name}: ${checkLine(found)}`);
      return { sent, found };
    },
  };
}

/**
 * How many of the events that were only spooled in the window were overtaken: by one of the same incident that was sent
 * after they had been acknowledged, and yet stands before them in the log.
 */
async function overtaken(
  eventstoreUrl: string,
  project: string,
  { acknowledged }: Sent,
  window: { readonly from: number; readonly to: number },
): Promise<{ readonly compared: number; readonly overtaken: number }> {
  const store = connectEventStore({ url: eventstoreUrl, log: quiet });
  const latestSent = new Map<string, number>();
  let compared = 0;
  let overtakenEvents = 0;
  for (const { id } of await eventsOf(store, project)) {
    const one = acknowledged.get(id);
    if (one === undefined || one.durability === "stored") continue;
    if (one.sentAtMs < window.from || one.answeredAtMs > window.to) continue;
    compared++;
    const latest = latestSent.get(one.incident_id) ?? 0;
    if (latest > one.answeredAtMs) overtakenEvents++;
    latestSent.set(one.incident_id, Math.max(latest, one.sentAtMs));
  }
  await store.close();
  return { compared, overtaken: overtakenEvents };
}

/** How long it took until the service said that it is ready. */
async function readyAfter(service: RunningService): Promise<number> {
  const startedAt = performance.now();
  await waitFor(
    async () => (await checkedFetch(`${service.url}/health/ready`)).status === 200,
    60_000,
    () => `Not ready again:\n${service.output().slice(-4_000)}`,
  );
  return performance.now() - startedAt;
}

async function drained(service: RunningService): Promise<void> {
  await waitFor(
    // New webhooks pass through the spool where it is asked for, and may rest there a moment.
    async () => ((await metric(service.url, "ledger_spool_records")) ?? perSecond) < perSecond,
    300_000,
    () => `The spool does not drain:\n${service.output().slice(-4_000)}`,
  );
}

async function caughtUp(service: RunningService): Promise<number> {
  const startedAt = performance.now();
  await waitFor(
    // A batch is always on its way.
    async () => ((await metric(service.url, "ledger_projector_lag_seconds")) ?? 1) < 1,
    60_000,
    () => `The read model does not catch up:\n${service.output().slice(-4_000)}`,
  );
  return performance.now() - startedAt;
}

/** The greatest of what is looked at each second. */
async function watched(forMs: number, look: () => number): Promise<number> {
  const until = performance.now() + forMs;
  let most = look();
  while (performance.now() < until) {
    await pause(Math.min(1_000, until - performance.now()));
    most = Math.max(most, look());
  }
  return most;
}

function pidOf({ child }: RunningService): number {
  if (child.pid === undefined) throw new Error("The service has no process");
  return child.pid;
}
