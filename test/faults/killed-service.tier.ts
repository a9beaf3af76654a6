// The service killed at random moments under load, on servers that go on and together with its own: everything
// acknowledged is there, once, and it is ready soon again.

import { afterEach, expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../src/processes/ports.ts";
import { storeProcess } from "../eventstore/adapter-store.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { createTestDatabase } from "../postgres.ts";
import {
  end,
  type RunningService,
  removeDataDir,
  startService,
  temporaryDataDir,
} from "../running-service.ts";
import { eventStorePid, postgresPid } from "../service-processes.ts";
import { type CheckOptions, check, checkLine, faultsIn } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { boundSpread, spreadLine } from "./figures.ts";
import { registerPatiently } from "./register-patiently.ts";
import { noneSent, type Sent, sentLine, startSenders } from "./senders.ts";

const kills = setting("FAULT_KILLS", 200);
const killsOfAll = Math.ceil(kills / 10);
/** On a slow machine a stretch ends sooner: what it takes to compare grows faster than what is compared. */
const mostAStretch = 8_000;
const { random, test } = reportedTests(import.meta.path);
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}, 60_000);

test(
  `${kills} times, while its servers go on`,
  async (report) => {
    const [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
    cleanUps.push(store.remove, database.drop);
    const urls = { eventstoreUrl: store.url, databaseUrl: database.url };
    const readyMs = await killOften({
      report,
      name: "the service",
      kills,
      killsAStretch: 50,
      env: { EVENTSTORE_URL: store.url, DATABASE_URL: database.url },
      urls: () => urls,
      kill: async (service) => {
        await end(service.child, "SIGKILL");
      },
    });
    boundSpread(report, "ready after the start", readyMs, 2_000);
  },
  20 * 60_000,
);

test(
  `${killsOfAll} times, with its embedded servers or leaving them behind`,
  async (report) => {
    const readyMs = await killOften({
      report,
      name: "the service and its servers",
      kills: killsOfAll,
      killsAStretch: 10,
      env: {},
      urls: embeddedUrls,
      kill: async (service) => {
        const victims = random.chance(0.5)
          ? [eventStorePid(service.dataDir), postgresPid(service.dataDir)]
          : [];
        for (const pid of victims) if (pid !== undefined) process.kill(pid, "SIGKILL");
        await end(service.child, "SIGKILL");
      },
    });
    // Postgres has to recover.
    boundSpread(report, "ready after the start", readyMs, 5_000);
  },
  5 * 60_000,
);

/** Answers how long each start took until the service was ready. ACK is store or spool, by chance. */
async function killOften(options: {
  readonly report: Report;
  readonly name: string;
  readonly kills: number;
  readonly killsAStretch: number;
  readonly env: Readonly<Record<string, string>>;
  readonly urls: (dataDir: string) => Pick<CheckOptions, "eventstoreUrl" | "databaseUrl">;
  readonly kill: (service: RunningService) => Promise<void>;
}): Promise<readonly number[]> {
  const [dataDir, port] = await Promise.all([temporaryDataDir(), freePort()]);
  const start = (): Promise<RunningService> =>
    startService({ dataDir, port, env: { ...options.env, ACK: random.pick(["store", "spool"]) } });
  let service = await start();
  cleanUps.push(
    () => removeDataDir(dataDir),
    () => service.stop(),
  );
  const checked = async (project: string, sent: Sent): Promise<number> => {
    const found = await check({ ...options.urls(dataDir), project, sent });
    console.log(`  ${checkLine(found)}`);
    options.report.found(found);
    expect(found.acknowledged).toBeGreaterThan(0);
    return faultsIn(found);
  };

  options.report.tried({ kills: options.kills });
  const readyMs: number[] = [];
  const stretches: { project: string; sent: Sent }[] = [];
  for (let killed = 0; killed < options.kills; ) {
    const registered = await registerPatiently(service);
    const sent = noneSent();
    const senders = startSenders(
      { ...registered, port, concurrency: 8, perSecond: 300, random: random.fork(`senders ${killed}`) },
      sent,
    );
    for (
      let n = 0;
      n < options.killsAStretch && killed < options.kills && senders.requests() < mostAStretch;
      n++, killed++
    ) {
      await pause(20 + random.below(250));
      await options.kill(service);
      const startedAt = performance.now();
      service = await start();
      readyMs.push(performance.now() - startedAt);
    }
    await senders.stop();
    stretches.push({ project: registered.project, sent });
    console.log(`  ${options.name}, after ${killed} kills: ${sentLine(sent)}`);
    expect(await checked(registered.project, sent)).toBe(0);
  }
  console.log(spreadLine(`  ${options.name}: ready after the start`, readyMs));
  // Later kills cost earlier webhooks nothing.
  for (const { project, sent } of stretches) expect(await checked(project, sent)).toBe(0);
  return readyMs;
}
