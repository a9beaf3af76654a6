// A while at a moderate rate: memory and file descriptors do not grow. FAULT_SOAK_SECONDS makes it a long one.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import { removeDataDir, startService } from "../running-service.ts";
import { eventStorePid } from "../service-processes.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { openFiles, residentMib, spreadOf } from "./figures.ts";
import { registerPatiently } from "./register-patiently.ts";
import { type Acknowledged, sentLine, startSenders } from "./senders.ts";

const seconds = setting("FAULT_SOAK_SECONDS", 120);
/** A long one is held to what is promised; a short one cannot tell a slope from the collector's teeth. */
const mostMibPerMinute = seconds >= 1_800 ? 1 : 30;
const { random, test } = reportedTests(import.meta.path);

test(
  `${seconds} s at 100 webhooks a second`,
  async (report) => {
    const service = await startService();
    const registered = await registerPatiently(service);
    const senders = startSenders({
      ...registered,
      port: service.port,
      concurrency: 8,
      perSecond: 100,
      random: random.fork("senders"),
    });
    const startedAt = performance.now();
    const processes = [
      { name: "service", pid: service.child.pid ?? 0, samples: [] as Sample[] },
      { name: "event store", pid: eventStorePid(service.dataDir) ?? 0, samples: [] as Sample[] },
    ];
    while (performance.now() - startedAt < seconds * 1000) {
      await pause(2_000);
      const minutes = (performance.now() - startedAt) / 60_000;
      for (const { pid, samples } of processes)
        samples.push({ minutes, mib: residentMib(pid), files: openFiles(pid) });
    }
    const sent = await senders.stop();
    console.log(`  ${sentLine(sent)}`);
    const found = await check({ ...embeddedUrls(service.dataDir), project: registered.project, sent });
    console.log(`  ${checkLine(found)}`);
    report.tried({ seconds, requests: sent.byStatus });
    report.found(found);
    expect(await service.stop()).toBe(0);
    await removeDataDir(service.dataDir);

    for (const { name, samples } of processes) {
      // What is filled once (caches, compiled code) is no leak.
      const settled = samples.slice(Math.floor(samples.length / 3));
      const files = settled.map((sample) => sample.files);
      const slope = slopeOf(settled);
      console.log(
        `  ${name}: ${settled.at(0)?.mib.toFixed(0)} MiB, at the end ${settled.at(-1)?.mib.toFixed(0)} MiB, slope ${slope.toFixed(2)} MiB a minute; file descriptors ${Math.min(...files)} to ${Math.max(...files)}`,
      );
      report.figures({ [`${name}, MiB a minute`]: slope });
      expect(slope).toBeLessThan(mostMibPerMinute);
      expect(Math.max(...files) - Math.min(...files)).toBeLessThan(20);
    }
    const [early, late] = [
      p99Of(sent.acknowledged.values(), startedAt, 0, 1 / 3),
      p99Of(sent.acknowledged.values(), startedAt, 2 / 3, 1),
    ];
    report.figures({ "p99 of the first third in ms": early, "p99 of the last third in ms": late });
    console.log(`  p99 of the first third ${early.toFixed(1)} ms, of the last ${late.toFixed(1)} ms`);
    expect([...sent.byStatus.keys()]).toEqual([200]);
    expect(faultsIn(found)).toBe(0);
  },
  seconds * 1000 + 180_000,
);

interface Sample {
  readonly minutes: number;
  readonly mib: number;
  readonly files: number;
}

/** Least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [minutes, mib] = [mean((sample) => sample.minutes), mean((sample) => sample.mib)];
  const above = samples.reduce((sum, one) => sum + (one.minutes - minutes) * (one.mib - mib), 0);
  return above / samples.reduce((sum, one) => sum + (one.minutes - minutes) ** 2, 0);
}

function p99Of(all: Iterable<Acknowledged>, startedAt: number, from: number, to: number): number {
  const [earliest, latest] = [from, to].map((part) => startedAt + part * seconds * 1000);
  const took: number[] = [];
  for (const { sentAtMs, answeredAtMs } of all)
    if (sentAtMs >= (earliest ?? 0) && sentAtMs < (latest ?? 0)) took.push(answeredAtMs - sentAtMs);
  return spreadOf(took).p99;
}
