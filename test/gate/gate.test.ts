// The gate tested by breaking things: each planted fault goes through the real checkers and the real runner, and the
// runner's last line and exit code say that it failed, and why.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StoreProcess, storeProcess } from "../eventstore/adapter-store.ts";
import { check, faultsIn } from "../faults/checker.ts";
import { randomFrom } from "../faults/seed.ts";
import { startSenders } from "../faults/senders.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { checkout, registerProject, removeDataDir, startService, waitFor } from "../running-service.ts";
import type { Scene } from "./planted/scene.ts";

const directory = mkdtempSync(join(tmpdir(), "ledger-gate-"));
const sceneFile = join(directory, "scene.json");
let store: StoreProcess;
let database: TestDatabase;

beforeAll(async () => {
  [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
  const urls = { eventstoreUrl: store.url, databaseUrl: database.url };
  const service = await startService({ env: { EVENTSTORE_URL: store.url, DATABASE_URL: database.url } });
  const { project, key } = await registerProject(service);
  const load = { project, key, port: service.port, concurrency: 4, most: 200 };
  const sent = await startSenders({ ...load, random: randomFrom(7) }).stop();
  const found = await check({ ...urls, project, sent });
  expect({ faults: faultsIn(found), isPaired: found.outages > found.openOutages }).toEqual({
    faults: 0,
    isPaired: true,
  });
  // Nobody may be connected to what is copied.
  await service.stop();
  await removeDataDir(service.dataDir);
  const scene: Scene = { ...urls, project, acknowledged: [...sent.acknowledged], bodies: [...sent.bodies] };
  writeFileSync(sceneFile, JSON.stringify(scene));
}, 60_000);
afterAll(async () => {
  await database.drop();
  await store.remove();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

interface Said {
  readonly code: number | null;
  /** The last lines, the very last one first. */
  readonly lines: readonly string[];
  readonly failures: string;
}

/** The runner on one planted file: a tier, or a plain test where its name says so. */
function runPlanted(name: string, ...more: readonly string[]): Promise<Said> {
  const file = `./test/gate/planted/${name.endsWith("-plain") ? name : `${name}.tier`}.ts`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["test/run.ts", "--seed", "11", ...more, file], {
      cwd: checkout,
      env: { ...process.env, PLANTED_SCENE: sceneFile },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      const lines = output.trimEnd().split("\n").reverse();
      resolve({ code, lines, failures: lines.filter((line) => line.startsWith("failed: ")).join("\n") });
    });
  });
}

test("without a fault nothing fails", async () => {
  const { code, lines } = await runPlanted("nothing");
  expect([code, lines[0], lines[1]]).toEqual([0, "1 passed, 0 failed", "flaky: 0"]);
}, 30_000);

describe("the last line says that it failed", () => {
  // The doubled event stays in the log, and so comes last.
  for (const [name, last, why, ...more] of [
    ["lost-id", "0 passed, 1 failed", '"lostInLog":1'],
    ["lost-row", "0 passed, 1 failed", '"lostInTables":1'],
    ["phantom-row", "0 passed, 1 failed", '"phantomRows":1'],
    ["wrong-pair", "0 passed, 1 failed", '"wrongRows":2'],
    ["doubled-row", "0 passed, 1 failed", '"twiceInTables":1'],
    ["lying-database", "0 passed, 1 failed", '"wrong":["'],
    ["false-property", "0 passed, 1 failed", "Property failed"],
    ["crash", "0 passed, 2 failed", "ended by SIG"],
    ["hang", "0 passed, 2 failed", "not over in time", "--bound", "3"],
    ["early-exit", "0 passed, 1 failed", "no test of this file is in the JUnit file"],
    ["no-verdict", "0 passed, 1 failed", "wrote no verdict"],
    ["nothing-tried", "0 passed, 1 failed", "its verdict does not say what was tried"],
    ["no-assertion-plain", "0 passed, 1 failed", "asserts nothing: failed"],
    ["no-assertion", "0 passed, 1 failed", "asserts nothing: failed"],
    [
      "misfit",
      "0 passed, 1 failed",
      "GET http://ledger/health/live answered 200, and answer must NOT have additional",
    ],
    ["skipped", "1 passed, 1 failed", "does not run: skipped"],
    ["no-tests", "0 passed, 1 failed", "no test of this file is in the JUnit file"],
    ["no-such-file", "0 passed, 1 failed", "no test of this file is in the JUnit file"],
    ["stray-error", "1 passed, 1 failed", "waits: failed"],
    ["always-late", "1 passed, 1 failed", "late again: is late: took in ms 900, then 900 (below 500)"],
    ["doubled-event", "0 passed, 1 failed", '"twiceInLog":1'],
  ] as const) {
    test(name, async () => {
      const { code, lines, failures } = await runPlanted(name, ...more);
      expect([code, lines[0]]).toEqual([1, last]);
      expect(failures).toContain(why);
    }, 30_000);
  }
});

test("the same seed finds the same counterexample", async () => {
  const [first, again] = [await runPlanted("false-property"), await runPlanted("false-property")];
  expect(first.failures).toContain("Counterexample");
  expect(again.failures).toBe(first.failures);
}, 30_000);

test("a runner that is interrupted ends the tests that it runs", async () => {
  const runner = spawn(process.execPath, ["test/run.ts", "./test/gate/planted/hang.tier.ts"], {
    cwd: checkout,
    env: { ...process.env, PLANTED_SCENE: sceneFile },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => runner.once("exit", resolve));
  /** The runner itself, and the process of its tests. */
  const running = () => commandsOf(sceneFile).filter((command) => command.includes("hang.tier.ts")).length;
  await waitFor(
    () => running() > 1,
    10_000,
    () => "The test does not run.",
  );
  runner.kill("SIGTERM");
  expect(await ended).toBe(143);
  await waitFor(
    () => running() === 0,
    5_000,
    () => "The test still runs.",
  );
}, 30_000);

/** Of the processes whose environment names this scene. Linux only. */
function commandsOf(scene: string): readonly string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PLANTED_SCENE=${scene}`);
      return isOurs ? [readFileSync(`/proc/${pid}/cmdline`, "utf8")] : [];
    } catch {
      // No process, or not any more.
      return [];
    }
  });
}

describe("an assertion about time", () => {
  test("that holds when it is tried again has passed, and is named", async () => {
    const { code, lines } = await runPlanted("once-late");
    expect([code, lines[0], lines[1]]).toEqual([
      0,
      "1 passed, 0 failed",
      "flaky: 1 (is late once: took in ms 900, then 400 (below 500), seed 11)",
    ]);
  }, 30_000);

  test("is all that is tried again: what was wrong beside it stays failed", async () => {
    const { code, lines, failures } = await runPlanted("late-and-wrong");
    expect([code, lines[0]]).toEqual([1, "1 passed, 1 failed"]);
    expect(failures).toContain("is wrong once");
  }, 30_000);
});
