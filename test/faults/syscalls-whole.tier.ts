// The whole service with its embedded event store and Postgres, one life after the other on one data directory, each with
// a death at some system call of whichever process comes to it first: everything acknowledged is there at the end, once.

import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../src/processes/ports.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import {
  adminKey,
  end,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
} from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { noneSent, sentLine, startSenders } from "./senders.ts";
import { needStrace, startTraced } from "./strace.ts";
import { deathIn } from "./syscalls-plan.ts";

const { random, test } = reportedTests(import.meta.path);
const lives = setting("FAULT_KILLS", 20);
const calls = "write,pwrite64,pwritev,pwritev2,fdatasync,fsync,ftruncate,rename,unlink";
let dataDir = "";
let port = 0;

beforeAll(async () => {
  needStrace();
  [dataDir, port] = [await temporaryDataDir(), await freePort()];
});
afterAll(() => removeDataDir(dataDir));

test(
  `${lives} lives`,
  async (report) => {
    const first = await startService({ dataDir, port });
    const registered = await registerProject(first);
    await end(first.child, "SIGKILL");
    const sent = noneSent();
    const places: string[] = [];
    for (let life = 0; life < lives; life++) {
      const [call, most] = random.pick([
        ["fsync", 30],
        ["fdatasync", 30],
        ["pwrite64", 200],
        ["rename", 6],
        ["unlink", 8],
      ] as const);
      // Half of the deaths are the event store's own; the others meet Postgres most of the time.
      const file =
        random.chance(0.5) && call !== "rename" && call !== "fdatasync" ? "events.sqlite-wal" : undefined;
      const traceFile = join(dataDir, `trace-${life}`);
      const running = startTraced({
        command: [process.execPath, "src/main.ts"],
        traceFile,
        calls,
        inject: [{ calls: call, what: "signal=KILL", when: String(1 + random.below(most)) }],
        ...(file === undefined ? {} : { paths: [join(dataDir, "eventstore", file)] }),
        env: {
          ...process.env,
          ADMIN_API_KEY: adminKey,
          DATA_DIR: dataDir,
          PORT: String(port),
          LOG_LEVEL: "warn",
          ACK: life % 2 === 0 ? "store" : "spool",
        },
      });
      const senders = startSenders(
        { ...registered, port, concurrency: 6, perSecond: 200, random: random.fork(`life ${life}`) },
        sent,
      );
      // Until it dies, or has worked for a while around the death of one of its servers.
      const before = senders.acknowledgements();
      const until = performance.now() + 10_000;
      while (running.child.exitCode === null && running.child.signalCode === null) {
        if (senders.acknowledgements() > before + 150 || performance.now() > until) break;
        await pause(20);
      }
      killService(running.pid);
      await senders.stop();
      places.push(deathIn(readFileSync(traceFile, "utf8"), dataDir) ?? "no call");
    }
    console.log(`  deaths: ${[...new Set(places)].sort().join(", ")}\n  ${sentLine(sent)}`);
    const service = await startService({ dataDir, port });
    const found = await check({ ...embeddedUrls(dataDir), project: registered.project, sent });
    console.log(`  ${checkLine(found)}`);
    await service.stop();
    report.tried({ lives, deaths: places.filter((place) => place !== "no call").length });
    report.found(found);
    expect(faultsIn(found)).toBe(0);
    expect(found.acknowledged).toBeGreaterThan(lives * 10);
    // The others ended by themselves at the end of their load.
    expect(places.filter((place) => place !== "no call").length).toBeGreaterThan(0);
  },
  15 * 60_000,
);

function killService(pid: () => number): void {
  try {
    process.kill(pid(), "SIGKILL");
  } catch {
    // It is dead already.
  }
}
