// The service stopped with SIGTERM under load: every request that it had taken is answered, it ends in time and with 0,
// and nothing is lost.

import { afterAll, beforeAll, expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../src/processes/ports.ts";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { end, removeDataDir, startService, temporaryDataDir } from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { spreadLine, spreadOf } from "./figures.ts";
import { registerPatiently } from "./register-patiently.ts";
import { noneSent, sentLine, startSenders } from "./senders.ts";

const stopsEach = setting("FAULT_STOPS", 8);
const { random, test } = reportedTests(import.meta.path);
let store: StoreProcess;
let database: TestDatabase;

beforeAll(async () => {
  [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
}, 60_000);
afterAll(async () => {
  await database.drop();
  await store.remove();
}, 60_000);

for (const ack of ["store", "spool"]) {
  test(`${stopsEach} times with ACK=${ack}`, async (report) => {
    const [dataDir, port] = await Promise.all([temporaryDataDir(), freePort()]);
    const env = { EVENTSTORE_URL: store.url, DATABASE_URL: database.url, ACK: ack };
    let service = await startService({ dataDir, port, env });
    const registered = await registerPatiently(service);
    const sent = noneSent();
    const tookMs: number[] = [];
    let unordered = 0;
    for (let stops = 0; stops < stopsEach; stops++) {
      const senders = startSenders(
        { ...registered, port, concurrency: 32, random: random.fork(`${ack} ${stops}`) },
        sent,
      );
      await pause(100 + random.below(500));
      const startedAt = performance.now();
      expect(await end(service.child, "SIGTERM")).toBe(0);
      tookMs.push(performance.now() - startedAt);
      await senders.stop();
      unordered += service.output().split("not stopped in order").length - 1;
      service = await startService({ dataDir, port, env });
    }
    console.log(`  ACK=${ack}: ${sentLine(sent)}`);
    console.log(
      `${spreadLine("  exit 0 after SIGTERM", tookMs)}; parts that took too long to end: ${unordered}`,
    );
    const urls = { eventstoreUrl: store.url, databaseUrl: database.url };
    const found = await check({ ...urls, project: registered.project, sent });
    console.log(`  ${checkLine(found)}`);
    await end(service.child, "SIGTERM");
    await removeDataDir(dataDir);
    report.tried({ stops: stopsEach, requests: sent.byStatus });
    report.found(found);
    expect(found.acknowledged).toBeGreaterThan(stopsEach);
    expect(faultsIn(found)).toBe(0);
    report.timeBound("worst exit after SIGTERM in ms", spreadOf(tookMs).most, { below: 10_000 });
    // Nothing that was sent is cut off; nobody listens any more afterwards.
    expect(sent.failures.get("cut") ?? 0).toBe(0);
    expect(sent.failures.get("late") ?? 0).toBe(0);
  }, 300_000);
}
