// Overload (B1) and fairness between keys (B2): webhooks sent to a whole service faster than it can take them, at a fixed
// rate, whoever has to wait. Prints what came of it; asserts what is promised whatever the machine does meanwhile.
//
//   bun test ./test/faults/overload.tier.ts

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";
import { eventStorePid } from "../service-processes.ts";
import { eventsOf } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { metric, residentMib } from "./figures.ts";
import type { OpenLoop, OpenLoopResult } from "./open-loop.ts";

const { test } = reportedTests(import.meta.path);

const seconds = 4;
/** More than the service handles at once: what it refuses is seen only where enough come together. */
const sockets = 2_500;
/** The machine may be busy with other things while it is measured; what is refused for load must not be most. */
const leastOfCapacity = 0.25;
const mostResidentMib = 700;
const quietPerSecond = 10;
const unlimited = 1_000_000;

const scratch = mkdtempSync(join(tmpdir(), "ledger-overload-"));
const idsFiles: string[] = [];
let service: RunningService;
let project = "";
let flood = { key: "", key_id: "" };
let quiet = { key: "", key_id: "" };
/** 200s in a second over 64 connections, each of which waits for its answers. */
let capacity = 0;
let peakMib = 0;

beforeAll(async () => {
  service = await startService();
  ({ project } = await registerProject(service));
  [flood, quiet] = [await issueKey("flood"), await issueKey("quiet")];
  await drive(flood, { perSecond: unlimited, sockets: 64, seconds: 2 });
  const peak = await drive(flood, { perSecond: unlimited, sockets: 64 });
  capacity = peak.goodput;
  print("capacity, 64 connections", peak);
  expect(peak.statuses).toEqual({ 200: peak.sent });
}, 120_000);

afterAll(async () => {
  await service?.stop();
  if (service !== undefined) await removeDataDir(service.dataDir);
  rmSync(scratch, { recursive: true, force: true });
}, 60_000);

describe("B1: more than can be done", () => {
  for (const times of [2, 10]) {
    test(`${times} times as much is done in part, and refused in part with the time to come again`, async (report) => {
      const result = await drive(flood, { perSecond: times * capacity });
      print(`${times} x`, result);
      console.log(
        `  goodput ${((100 * result.goodput) / capacity).toFixed(0)} % of capacity; ${residentMib(pid()).toFixed(0)} MiB`,
      );
      onlyAnswers(result, [200, 503]);
      report.tried({ times, sent: result.sent });
      report.found({ statuses: result.statuses });
      report.timeBound("200s a second", result.goodput, { above: leastOfCapacity * capacity });
    }, 120_000);
  }
});

describe("B2: one key floods, another sends 10 a second", () => {
  let alone: OpenLoopResult;

  test("alone, for comparison", async (report) => {
    await drained();
    alone = await drive(quiet, { perSecond: quietPerSecond });
    print("quiet key, alone", alone);
    report.tried({ sent: alone.sent });
    report.found({ statuses: alone.statuses });
    expect(alone.statuses).toEqual({ 200: alone.sent });
  }, 400_000);

  test("the flood costs the other no error", async (report) => {
    await beside(report, "flood of 10 x", [200, 503], { perSecond: 10 * capacity });
  }, 120_000);

  test("nor does it while the event store is frozen", async (report) => {
    const store = eventStorePid(service.dataDir);
    if (store === undefined) throw new Error("The event store's process is not known.");
    process.kill(store, "SIGSTOP");
    try {
      await beside(report, "flood of 2 x, event store frozen", [200, 503], { perSecond: 2 * capacity });
    } finally {
      process.kill(store, "SIGCONT");
    }
  }, 120_000);

  test("with a quota the flood is answered 429 with RateLimit, and the other key never", async (report) => {
    const perSecond = Math.max(1, Math.floor(capacity / 10));
    const quota = { webhooks: perSecond, per: "second" };
    const path = `/api/projects/${project}/keys/${flood.key_id}`;
    const change = () => service.json("PATCH", path, { key: adminKey, body: { quota } });
    // The registry is kept in the event store, which was frozen until just now.
    let refused: unknown;
    await waitFor(
      () =>
        change().then(
          () => true,
          (error) => {
            refused = error;
            return false;
          },
        ),
      10_000,
      () => `The quota was not taken: ${refused}`,
    );
    const result = await beside(report, "flood of 10 x with a quota", [200, 429, 503], {
      perSecond: 10 * capacity,
    });
    expect(result.statuses[429]).toBeGreaterThan(0);
    expect(result.withoutRateLimit).toBe(0);
    expect(result.statuses[200]).toBeLessThanOrEqual(perSecond * (seconds + 30));
  }, 120_000);

  async function beside(
    report: Report,
    what: string,
    answers: readonly number[],
    load: Partial<OpenLoop>,
  ): Promise<OpenLoopResult> {
    const [flooding, other] = await Promise.all([
      drive(flood, load),
      drive(quiet, { perSecond: quietPerSecond }),
    ]);
    print(what, flooding);
    print("  the quiet key meanwhile", other);
    console.log(`  its p99 is ${(other.acceptedMs.p99 / alone.acceptedMs.p99).toFixed(1)} x that alone`);
    report.tried({ what, sent: flooding.sent, besideIt: other.sent });
    report.found({ flood: flooding.statuses, quiet: other.statuses });
    report.figures({ quietP99Ms: other.acceptedMs.p99, quietP99MsAlone: alone.acceptedMs.p99 });
    onlyAnswers(flooding, answers);
    // Otherwise it was no flood.
    expect(flooding.sent).toBeGreaterThan(10 * other.sent);
    expect(other.statuses).toEqual({ 200: other.sent });
    return flooding;
  }
});

test("memory stays within bounds, and all that was acknowledged is in the log, once", async (report) => {
  await drained();
  const acknowledged = idsFiles.flatMap((file) => readFileSync(file, "utf8").split("\n").filter(Boolean));
  const store = connectEventStore({
    url: embeddedUrls(service.dataDir).eventstoreUrl,
    log: { info: () => {}, warn: () => {} },
  });
  const inLog = (await eventsOf(store, project)).map(({ id }) => id);
  await store.close();
  const known = new Set(inLog);
  const lost = acknowledged.filter((id) => !known.has(id)).length;
  console.log(
    `acknowledged ${acknowledged.length}, events ${inLog.length}; lost ${lost}, twice ${inLog.length - known.size}; at most ${peakMib.toFixed(0)} MiB`,
  );
  report.tried({ acknowledged: acknowledged.length });
  report.found({ events: inLog.length, lost, twice: inLog.length - known.size });
  report.figures({ peakMib });
  expect(acknowledged.length).toBeGreaterThan(1_000);
  expect({ lost, twice: inLog.length - known.size }).toEqual({ lost: 0, twice: 0 });
  expect(peakMib).toBeLessThan(mostResidentMib);
}, 400_000);

const pid = (): number => service.child.pid ?? 0;

async function issueKey(label: string): Promise<{ key: string; key_id: string }> {
  return service.json("POST", `/api/projects/${project}/keys`, {
    key: adminKey,
    body: { label, scopes: ["ingest"] },
  });
}

/** Runs the driver to its end, and looks at the service's memory meanwhile. */
async function drive({ key }: { readonly key: string }, load: Partial<OpenLoop>): Promise<OpenLoopResult> {
  const idsFile = join(scratch, `ids-${idsFiles.length}`);
  const loop: OpenLoop = {
    port: service.port,
    key,
    project,
    perSecond: quietPerSecond,
    seconds,
    sockets,
    run: String(idsFiles.push(idsFile)),
    idsFile,
    ...load,
  };
  const watching = setInterval(() => {
    peakMib = Math.max(peakMib, residentMib(pid()));
  }, 100);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(import.meta.dir, "open-loop.ts"), JSON.stringify(loop)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let printed = "";
      child.stdout.on("data", (chunk) => {
        printed += chunk;
      });
      child.once("error", reject);
      child.once("close", (code) =>
        code === 0 ? resolve(JSON.parse(printed)) : reject(new Error(`The driver ended with ${code}`)),
      );
    });
  } finally {
    clearInterval(watching);
  }
}

function onlyAnswers(result: OpenLoopResult, statuses: readonly number[]): void {
  expect(Object.keys(result.statuses).filter((status) => !statuses.includes(Number(status)))).toEqual([]);
  expect(result.withoutRetryAfter).toBe(0);
}

const drained = (): Promise<void> =>
  waitFor(
    async () => (await metric(service.url, "ledger_spool_records")) === 0,
    280_000,
    () => `The spool does not drain:\n${service.output().slice(-2_000)}`,
  );

function print(what: string, { statuses, ...result }: OpenLoopResult): void {
  const counts = Object.entries(statuses).map(([status, n]) => `${n} x ${status}`);
  const ms = ({ p50, p99, most }: OpenLoopResult["acceptedMs"]): string =>
    `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${most.toFixed(0)} ms`;
  const refused = result.refusedMs.most === 0 ? "" : `; refused ${ms(result.refusedMs)}`;
  console.log(
    `${what}: ${counts.join(", ")} (${result.unsent} found no connection); ${result.goodput} a second; accepted ${ms(result.acceptedMs)}${refused}`,
  );
}
