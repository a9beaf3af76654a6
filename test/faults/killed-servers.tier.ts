// The embedded event store and the embedded Postgres killed at random moments under load: the service starts each again,
// everything acknowledged is there, once, and the service is ready soon again.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { checkedFetch } from "../http/answer-check.ts";
import { type RunningService, removeDataDir, startService, waitFor } from "../running-service.ts";
import { eventStorePid, postgresPid } from "../service-processes.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { boundSpread, spreadLine } from "./figures.ts";
import { registerPatiently } from "./register-patiently.ts";
import { noneSent, type Sent, sentLine, startSenders } from "./senders.ts";

const kills = setting("FAULT_KILLS", 200);
const killsAStretch = 50;
/** On a slow machine a stretch ends sooner: what it takes to compare grows faster than what is compared. */
const mostAStretch = 8_000;
const { random, test } = reportedTests(import.meta.path);

// At once, each on a service of its own.
test.concurrent(
  `the event store, ${kills} times`,
  (report) => killOften(report, { name: "event store", pidOn: eventStorePid, boundMs: 2_000 }),
  20 * 60_000,
);
test.concurrent(
  `Postgres, ${kills} times`,
  (report) => killOften(report, { name: "Postgres", pidOn: postgresPid, boundMs: 5_000 }),
  20 * 60_000,
);

async function killOften(
  report: Report,
  options: {
    readonly name: string;
    readonly pidOn: (dataDir: string) => number | undefined;
    readonly boundMs: number;
  },
): Promise<void> {
  const { name, pidOn, boundMs } = options;
  report.tried({ kills });
  const chance = random.fork(name);
  const service = await startService({ env: { ACK: "store" } });
  const checked = async (project: string, sent: Sent): Promise<number> => {
    const found = await check({ ...embeddedUrls(service.dataDir), project, sent });
    console.log(`  ${name}: ${checkLine(found)}`);
    report.found(found);
    return faultsIn(found);
  };
  const readyMs: number[] = [];
  const stretches: { project: string; sent: Sent }[] = [];
  try {
    for (let killed = 0; killed < kills; ) {
      const { project, key } = await registerPatiently(service);
      const sent = noneSent();
      const load = { project, key, port: service.port, concurrency: 12, perSecond: 150 };
      const senders = startSenders({ ...load, random: chance.fork(`senders ${killed}`) }, sent);
      for (
        let n = 0;
        n < killsAStretch && killed < kills && senders.requests() < mostAStretch;
        n++, killed++
      ) {
        await pause(20 + chance.below(300));
        readyMs.push(await killedAndReady(service, pidOn));
      }
      await senders.stop();
      stretches.push({ project, sent });
      console.log(`  ${name}, after ${killed} kills: ${sentLine(sent)}`);
      expect(await checked(project, sent)).toBe(0);
      // Each is on the spool where the event store does not take it.
      expect([...sent.byStatus.keys()]).toEqual([200]);
    }
    console.log(spreadLine(`  ${name}: ready after the kill`, readyMs));
    // Later kills cost earlier webhooks nothing.
    for (const { project, sent } of stretches) expect(await checked(project, sent)).toBe(0);
  } finally {
    await service.stop();
    await removeDataDir(service.dataDir);
  }
  boundSpread(report, "ready after the kill", readyMs, boundMs);
}

/** Kills it, and says how long it took until another one ran and the service was ready. */
async function killedAndReady(
  service: RunningService,
  pidOn: (dataDir: string) => number | undefined,
): Promise<number> {
  const pid = pidOn(service.dataDir);
  if (pid === undefined) throw new Error("There is nothing to kill");
  const startedAt = performance.now();
  process.kill(pid, "SIGKILL");
  await waitFor(
    async () => {
      const next = pidOn(service.dataDir);
      if (next === undefined || next === pid) return false;
      return (await checkedFetch(`${service.url}/health/ready`)).status === 200;
    },
    120_000,
    () => `Not ready again:\n${service.output().slice(-4_000)}`,
  );
  return performance.now() - startedAt;
}
