// A child is waited for, started again when it is lost, and ended for good when told.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../src/processes/process-identity.ts";
import {
  ProcessStartError,
  type Recipe,
  type SupervisedProcess,
  supervise,
  type Watcher,
} from "../../src/processes/supervised-process.ts";

let directory = "";
let supervised: SupervisedProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-supervised-"));
});
afterEach(async () => {
  await supervised?.stop();
  supervised = undefined;
  rmSync(directory, { recursive: true, force: true });
});

describe("a child that becomes ready", () => {
  test("has a process id, and is gone after a stop", async () => {
    supervised = await supervise(recipe("echo ready; exec sleep 1000"), quiet());
    const pid = supervised.pid() ?? 0;
    expect(identify(pid)).toBeDefined();
    await supervised.stop();
    expect(identify(pid)).toBeUndefined();
  });

  test("is started again after kill -9, and only then", async () => {
    const watcher = quiet();
    supervised = await supervise(recipe("echo ready; exec sleep 1000"), watcher);
    const first = supervised.pid() ?? 0;
    process.kill(first, "SIGKILL");
    await until(() => watcher.readied.length === 2);
    expect(watcher.lostBecause).toEqual(["it was ended by SIGKILL"]);
    expect(supervised.pid()).not.toBe(first);
    await supervised.stop();
    expect(watcher.readied).toHaveLength(2);
  });

  test("is started again later and later where it is lost at once each time, and soon where it had recovered", async () => {
    const watcher = quiet();
    supervised = await supervise(recipe("echo ready; sleep 1.1; echo recovered; exec sleep 1000"), watcher);
    for (let lost = 1; lost <= 3; lost++) {
      process.kill(supervised.pid() ?? 0, "SIGKILL");
      await until(() => watcher.readied.length === lost + 1);
    }
    await until(() => watcher.lines.includes("recovered"));
    process.kill(supervised.pid() ?? 0, "SIGKILL");
    await until(() => watcher.readied.length === 5);
    expect(watcher.waitsMs).toEqual([25, 50, 100, 25]);
  });

  test("is started again also where the next starts fail", async () => {
    const watcher = quiet();
    // The second start and the third fail.
    const script = `cd ${directory}; touch start.$$; n=$(ls | wc -l); [ $n -eq 2 -o $n -eq 3 ] && exit 7; echo ready; exec sleep 1000`;
    supervised = await supervise(recipe(script), watcher);
    process.kill(supervised.pid() ?? 0, "SIGKILL");
    await until(() => watcher.readied.length === 2);
    expect(watcher.lostBecause).toHaveLength(3);
    expect(watcher.lostBecause[1]).toContain("The child did not start: it exited with 7.");
  });
});

describe("a child that never becomes ready", () => {
  test("fails the start with what it said", async () => {
    const starting = supervise(recipe("echo one >&2; echo 'two: no space left'; exit 3"), quiet());
    const error = await starting.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProcessStartError);
    expect(String(error)).toContain("The child did not start: it exited with 3.");
    expect(String(error)).toContain("two: no space left");
  });

  test("is ended when its time is over", async () => {
    const watcher = quiet();
    const starting = supervise({ ...recipe("echo $$; exec sleep 1000"), readyWithinMs: 300 }, watcher);
    await expect(starting).rejects.toThrow("it was not ready within 300 ms");
    expect(identify(Number(watcher.lines[0]))).toBeUndefined();
  });

  test("fails the start where there is no such program", async () => {
    const missing = { ...recipe(""), spawn: () => spawn(join(directory, "missing"), { stdio: "pipe" }) };
    await expect(supervise(missing, quiet())).rejects.toThrow("The child did not start");
  });
});

test("a child that ignores the first signal gets the next one", async () => {
  supervised = await supervise(
    { ...recipe("trap '' TERM; echo ready; while :; do sleep 0.05; done"), stopEachMs: 200 },
    quiet(),
  );
  const pid = supervised.pid() ?? 0;
  await supervised.stop();
  expect(identify(pid)).toBeUndefined();
});

interface Notes extends Watcher {
  readonly lines: string[];
  readonly readied: number[];
  readonly lostBecause: string[];
  readonly waitsMs: number[];
}

function quiet(): Notes {
  const lines: string[] = [];
  const readied: number[] = [];
  const lostBecause: string[] = [];
  const waitsMs: number[] = [];
  return {
    lines,
    readied,
    lostBecause,
    waitsMs,
    line: (line) => lines.push(line),
    ready: (pid) => readied.push(pid),
    lost: (reason, retryInMs) => {
      lostBecause.push(reason);
      waitsMs.push(retryInMs);
    },
  };
}

const recipe = (script: string): Recipe => ({
  name: "child",
  prepare: async () => {},
  spawn: () => spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "pipe"] }),
  isReady: (line) => line === "ready",
  readyWithinMs: 10_000,
  stopSignals: ["SIGTERM", "SIGKILL"],
  stopEachMs: 5_000,
});

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("It did not come true within 10 s.");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
