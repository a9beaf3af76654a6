// The network between the service and the event store swallows acknowledgements, delays and cuts: what was sent is in
// the store once, however often it had to be sent.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { storeProcess } from "../eventstore/adapter-store.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { createTestDatabase } from "../postgres.ts";
import { removeDataDir, startService } from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { startProxy } from "./proxy.ts";
import { registerPatiently } from "./register-patiently.ts";
import { sentLine, startSenders } from "./senders.ts";

const most = setting("FAULT_WEBHOOKS", 10_000);
const { random, test } = reportedTests(import.meta.path);

test(
  `${most} webhooks, each exactly one event`,
  async (report) => {
    const [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
    const proxy = await startProxy({ port: Number(new URL(store.url.replace("esdb:", "http:")).port) });
    const service = await startService({
      env: { EVENTSTORE_URL: `esdb://127.0.0.1:${proxy.port}?tls=false`, DATABASE_URL: database.url },
    });
    const registered = await registerPatiently(service);
    const senders = startSenders({
      ...registered,
      port: service.port,
      concurrency: 16,
      perSecond: 500,
      most,
      random: random.fork("senders"),
    });
    let isSending = true;
    const sending = senders.stop().then((sent) => {
      isSending = false;
      return sent;
    });
    const faults = new Map<string, number>();
    while (isSending) {
      const fault = random.pick(["swallow and cut", "swallow and cut", "cut", "delay", "swallow"]);
      faults.set(fault, (faults.get(fault) ?? 0) + 1);
      await pause(10 + random.below(200));
      if (fault.startsWith("swallow")) {
        proxy.swallow({ now: true });
        // Now and then longer than an append may take.
        await pause(random.chance(0.2) ? 1_500 : 5 + random.below(150));
        // A stream of frames with a hole in it is of no use to anybody: what was swallowed ends in a cut, sooner or later.
        if (fault === "swallow") await pause(random.below(300));
        proxy.cut();
        proxy.swallow({ now: false });
      }
      if (fault === "cut") proxy.cut();
      if (fault === "delay") {
        proxy.delay(1 + random.below(80));
        await pause(300);
        proxy.delay(0);
      }
    }
    const sent = await sending;
    console.log(`  ${sentLine(sent)}`);
    console.log(
      `  faults ${[...faults].map(([fault, n]) => `${fault}: ${n}`).join(", ")}; ${JSON.stringify(proxy.counts())}`,
    );
    const found = await check({
      eventstoreUrl: store.url,
      databaseUrl: database.url,
      project: registered.project,
      sent,
    });
    console.log(`  ${checkLine(found)}`);
    report.tried({ webhooks: most, faults, ...proxy.counts() });
    report.found(found);
    expect(await service.stop()).toBe(0);
    await proxy.close();
    await removeDataDir(service.dataDir);
    await database.drop();
    await store.remove();
    expect(proxy.counts().swallowedBytes).toBeGreaterThan(0);
    expect([...sent.byStatus]).toEqual([[200, most]]);
    expect(faultsIn(found)).toBe(0);
  },
  5 * 60_000,
);
