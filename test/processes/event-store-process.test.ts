// The embedded event store as a child: it is found again after kill -9, and never outlives the service.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  connectionStringIn,
  type EmbeddedEventStore,
  startEmbeddedEventStore,
} from "../../src/processes/event-store-process.ts";
import { freePort } from "../../src/processes/ports.ts";
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
  const line = '{"event":"listening","port":2113,"connection_string":"esdb://127.0.0.1:2113?tls=false"}';
  expect(connectionStringIn(line)).toBe("esdb://127.0.0.1:2113?tls=false");
  for (const other of ["", "listening", "{", '{"event":"stopped"}', '{"event":"listening"}', "[]"]) {
    expect(connectionStringIn(other)).toBeUndefined();
  }
});

test("after kill -9 it is started again on the same port", async () => {
  const port = await freePort();
  const readied: number[] = [];
  const watcher = { line: () => {}, ready: (pid: number) => void readied.push(pid), lost: () => {} };
  running = await startEmbeddedEventStore({ directory, port, env: {}, watcher });
  expect(running.url).toContain(`127.0.0.1:${port}`);
  process.kill(running.pid() ?? 0, "SIGKILL");
  await until(() => readied.length === 2);
  expect(running.url).toContain(`127.0.0.1:${port}`);
  await running.stop();
  expect(identify(readied[1] ?? 0)).toBeUndefined();
}, 30_000);

test("it ends by itself when the service is killed", async () => {
  const file = join(import.meta.dirname, "../../src/processes/event-store-process.ts");
  const script = `
    import { startEmbeddedEventStore } from ${JSON.stringify(file)};
    const started = await startEmbeddedEventStore({
      directory: ${JSON.stringify(directory)}, port: ${await freePort()}, env: {},
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
