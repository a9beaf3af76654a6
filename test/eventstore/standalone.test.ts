// `bun run eventstore` alone: it asks for a password, which stays the same, unless everyone is let in by a setting.

import { afterAll, expect, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventStoreDBClient } from "@eventstore/db-client";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { freePort } from "../../src/processes/ports.ts";
import { quiet } from "./adapter-store.ts";

const dataDir = mkdtempSync(join(tmpdir(), "ledger-alone-"));
const port = String(await freePort());
const directory = join(dataDir, "eventstore");
let running: ChildProcess | undefined;

afterAll(() => {
  running?.kill("SIGKILL");
  rmSync(dataDir, { recursive: true, force: true });
});

const environmentFor = (access: string): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  DATA_DIR: dataDir,
  EVENTSTORE_PORT: port,
  EVENTSTORE_ACCESS: access,
});

/** Answers the address that it prints. */
async function start(access: string): Promise<string> {
  running = spawn(process.execPath, ["src/eventstore/embedded/main.ts"], {
    env: environmentFor(access),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [chunk] = (await once(running.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return /esdb:\S+/.exec(chunk.toString())?.[0] ?? "";
}

async function stop(): Promise<void> {
  const ended = running === undefined ? undefined : once(running, "exit");
  running?.kill("SIGTERM");
  await ended;
}

async function problemAt(address: string): Promise<string | undefined> {
  const store = connectEventStore({ url: address, log: quiet });
  const problem = await store.check();
  await store.close();
  return problem;
}

const open = `esdb://127.0.0.1:${port}?tls=false`;

test("it asks for a password, and its address holds it and stays the same", async () => {
  const address = await start("");
  expect(await problemAt(address)).toBeUndefined();
  expect(await problemAt(open)).toContain("asks for a password");
  expect(await problemAt(`${open}&connectionName=guess`)).toContain("asks for a password");
  const client = EventStoreDBClient.connectionString(open);
  const refused = await client.tombstoneStream("registry").catch((error: { type?: string }) => error.type);
  expect(refused).toBe("access-denied");
  await client.dispose();
  for (const name of ["address", "password"])
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  const printed = spawnSync(process.execPath, ["src/eventstore/embedded/print-address.ts"], {
    env: environmentFor(""),
    encoding: "utf8",
  });
  expect(printed.stdout.trim()).toBe(address);
  await stop();
  expect(await start("")).toBe(address);
  await stop();
}, 60_000);

test("nothing is printed of one that does not run", () => {
  const printed = spawnSync(process.execPath, ["src/eventstore/embedded/print-address.ts"], {
    env: environmentFor(""),
    encoding: "utf8",
  });
  expect([printed.status, printed.stdout]).toEqual([1, ""]);
  expect(printed.stderr).toContain(directory);
});

test("everyone is let in where a setting says so", async () => {
  expect(await start("everyone")).toBe(open);
  expect(await problemAt(open)).toBeUndefined();
  await stop();
}, 30_000);
