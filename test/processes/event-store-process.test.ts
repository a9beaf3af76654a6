// The embedded event store as a child: it is found again after kill -9, and never outlives the service.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readAddress } from "../../src/processes/event-store-address.ts";
import {
  type EmbeddedEventStore,
  saysListening,
  startEmbeddedEventStore,
} from "../../src/processes/event-store-process.ts";
import { identify, isAlive } from "../../src/processes/process-identity.ts";

let directory = "";
let running: EmbeddedEventStore | undefined;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-store-"));
});
afterAll(async () => {
  await running?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("the line that says it listens is told from every other line", () => {
  expect(saysListening('{"event":"listening","port":2113}')).toBe(true);
  for (const other of ["", "listening", "{", '{"event":"stopped"}', "null", "[]"]) {
    expect(saysListening(other)).toBe(false);
  }
});

test("after kill -9 it is started again, with another password and another address", async () => {
  const readied: number[] = [];
  const watcher = { line: () => {}, ready: (pid: number) => void readied.push(pid), lost: () => {} };
  running = await startEmbeddedEventStore({ directory, env: {}, watcher });
  const first = { password: running.password(), address: readAddress(directory) };
  expect(first.address).toContain(first.password);
  process.kill(running.pid() ?? 0, "SIGKILL");
  await until(() => readied.length === 2);
  expect(running.password()).not.toBe(first.password);
  expect(readAddress(directory)).toContain(running.password());
  expect(readAddress(directory)).not.toContain(first.password);
  await running.stop();
  expect(identify(readied[1] ?? 0)).toBeUndefined();
  expect(readAddress(directory)).toBeUndefined();
}, 30_000);

test("on a path that is too long for a socket it listens in a directory of its own, which nobody else may enter", async () => {
  const deep = join(directory, "d".repeat(60), "e".repeat(60));
  const watcher = { line: () => {}, ready: () => {}, lost: () => {} };
  const store = await startEmbeddedEventStore({ directory: deep, env: {}, watcher });
  try {
    expect(store.socket.startsWith(deep)).toBe(false);
    expect(statSync(store.socket).isSocket()).toBe(true);
    expect(statSync(dirname(store.socket)).mode & 0o777).toBe(0o700);
  } finally {
    await store.stop();
  }
  expect(existsSync(dirname(store.socket))).toBe(false);
}, 30_000);

test("it ends by itself when the service is killed", async () => {
  const file = join(import.meta.dirname, "../../src/processes/event-store-process.ts");
  const script = `
    import { startEmbeddedEventStore } from ${JSON.stringify(file)};
    const started = await startEmbeddedEventStore({
      directory: ${JSON.stringify(directory)}, env: {},
      watcher: { line() {}, ready() {}, lost() {} } });
    console.log(started.pid());
    setInterval(() => {}, 1000);`;
  const service = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = await new Promise<number>((resolve) => {
    service.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
  const store = identify(pid);
  expect(store).toBeDefined();
  service.kill("SIGKILL");
  await until(() => store !== undefined && !isAlive(store));
}, 30_000);

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("It did not come true within 20 s.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
