// The machine's clock is wrong and jumps, and webhooks have times far away, equal or in the wrong order: nothing is lost
// and no duration is negative. Needs libfaketime (Debian: faketime).

import { afterAll, beforeAll, expect } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { quiet } from "../eventstore/adapter-store.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { type RunningService, removeDataDir, startService } from "../running-service.ts";
import { check, checkLine, eventsOf, faultsIn } from "./checker.ts";
import { openConnection } from "./connection.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { registerPatiently } from "./register-patiently.ts";
import { noneSent, postWebhook, sentLine, startSenders } from "./senders.ts";

const { random, test } = reportedTests(import.meta.path);
const directory = mkdtempSync(join(tmpdir(), "ledger-clock-"));
const clockFile = join(directory, "clock");
let service: RunningService;

beforeAll(async () => {
  // Postgres may run as another user.
  chmodSync(directory, 0o755);
  setClock("-3d");
  service = await startService({
    env: {
      LD_PRELOAD: faketimeLibrary(),
      FAKETIME_TIMESTAMP_FILE: clockFile,
      FAKETIME_NO_CACHE: "1",
      // A clock that is set leaves alone what measures durations.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
  });
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

test("three days behind, then jumping to and fro under load", async (report) => {
  const { project, key } = await registerPatiently(service);
  const sent = noneSent();
  const load = { project, key, port: service.port, concurrency: 8, perSecond: 100 };
  const senders = startSenders({ ...load, random: random.fork("senders") }, sent);
  const connection = openConnection(service.port);
  for (const [index, offset] of ["-3d", "+2d", "-400d", "+0", "-5m", "+1h", "-1s", "+0"].entries()) {
    setClock(offset);
    await pause(300);
    for (const body of oddHistories(project, String(index))) await postWebhook(connection, key, body, sent);
  }
  connection.close();
  await senders.stop();
  console.log(`  ${sentLine(sent)}`);
  const found = await check({ ...embeddedUrls(service.dataDir), project, sent });
  console.log(`  ${checkLine(found)}; shortest recovery ${found.shortestRecoverySeconds} s`);
  report.tried({ requests: sent.byStatus });
  report.found(found);
  expect([...sent.byStatus.keys()]).toEqual([200]);
  expect(faultsIn(found)).toBe(0);
  expect(found.shortestRecoverySeconds).toBeGreaterThanOrEqual(0);
  expect(daysOf(await receivedAt(project))).toBeGreaterThan(400);
  const mttr = await service.json<{ n: number; min_seconds: number; mean_seconds: number }>(
    "GET",
    `/api/projects/${project}/mttr`,
    { key },
  );
  console.log(`  mttr: ${JSON.stringify(mttr)}`);
  expect(mttr.n).toBeGreaterThan(10);
  expect(mttr.min_seconds).toBeGreaterThanOrEqual(0);
}, 120_000);

/** Ten years ago and ahead, all at one moment, a recovery that is sent or dated before its alert. */
function oddHistories(project: string, name: string): string[] {
  const now = Date.now();
  const tenYears = 10 * 365.25 * 86_400_000;
  const webhook = (incident: string, status: string, atMs: number, more: object = {}): string =>
    JSON.stringify({
      incident_id: `${incident}-${name}`,
      project_uuid: project,
      status,
      incident_time: new Date(atMs).toISOString(),
      ...more,
    });
  return [
    webhook("past", "DOWN", now - tenYears),
    webhook("past", "UP", now - tenYears + 60_000),
    webhook("future", "DOWN", now + tenYears),
    webhook("future", "UP", now + tenYears + 60_000),
    webhook("century", "DOWN", now - tenYears),
    webhook("century", "UP", now + tenYears),
    webhook("equal", "DOWN", now),
    webhook("equal", "UP", now),
    webhook("equal", "DOWN", now, { message: "again" }),
    webhook("sent-before", "UP", now + 5_000),
    webhook("sent-before", "DOWN", now),
    webhook("dated-before", "DOWN", now),
    webhook("dated-before", "UP", now - 5_000),
    // A recovery that nobody sent an alert for, at the very time of another one's alert.
    webhook("orphan", "UP", now, { monitor_id: "shared" }),
    webhook("orphaned", "DOWN", now, { monitor_id: "shared" }),
  ];
}

/** What the service's clock said when each webhook was received. */
async function receivedAt(project: string): Promise<readonly string[]> {
  const store = connectEventStore({ url: embeddedUrls(service.dataDir).eventstoreUrl, log: quiet });
  const events = await eventsOf(store, project);
  await store.close();
  return events.map(({ metadata }) => String(metadata.received_at)).sort();
}

const daysOf = (instants: readonly string[]): number =>
  (Date.parse(instants.at(-1) ?? "") - Date.parse(instants.at(0) ?? "")) / 86_400_000;

/** In one step, so that nobody reads a half. */
function setClock(offset: string): void {
  writeFileSync(`${clockFile}.new`, `${offset}\n`, { mode: 0o644 });
  renameSync(`${clockFile}.new`, clockFile);
}

function faketimeLibrary(): string {
  for (const architecture of existsSync("/usr/lib") ? readdirSync("/usr/lib") : []) {
    const library = `/usr/lib/${architecture}/faketime/libfaketime.so.1`;
    if (existsSync(library)) return library;
  }
  throw new Error("libfaketime is missing, which this tier sets clocks with: apt-get install faketime");
}
