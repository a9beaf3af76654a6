// The embedded event store lets in the service that started it, and nobody else on this machine.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventStoreDBClient } from "@eventstore/db-client";
import type { NewEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { readAddress } from "../../src/processes/event-store-address.ts";
import { type EmbeddedEventStore, startEmbeddedEventStore } from "../../src/processes/event-store-process.ts";
import { appended, quiet, until } from "./adapter-store.ts";

const directory = mkdtempSync(join(tmpdir(), "ledger-own-"));
const strangers = mkdtempSync(join(tmpdir(), "ledger-stranger-"));
/** As an ordinary user one cannot become another: then the stranger is one who lacks the password. */
const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
let starts = 0;
let server: EmbeddedEventStore;
let store: EventStore;

beforeAll(async () => {
  // The checkout and the runtime may lie where another user may not enter.
  chmodSync(strangers, 0o755);
  copyFileSync(process.execPath, join(strangers, "bun"));
  const built = await Bun.build({
    entrypoints: [join(import.meta.dirname, "stranger.ts")],
    target: "bun",
    outdir: strangers,
  });
  expect(built.success).toBe(true);
  server = await startEmbeddedEventStore({
    directory,
    env: {},
    watcher: { line: () => {}, ready: () => void starts++, lost: () => {} },
  });
  store = connectEventStore({ url: server, log: quiet });
}, 60_000);
afterAll(async () => {
  await store.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
  rmSync(strangers, { recursive: true, force: true });
}, 30_000);

test("the service that started it reads, appends and follows", async () => {
  await appended(store, "registry", [eventOf("mine")], "no_stream");
  expect(await names("registry")).toEqual(["mine"]);
  expect(await store.check()).toBeUndefined();
});

test("another user can neither read nor append nor delete nor listen in its place", async () => {
  const outcomes = await asStranger("guess");
  const calls = Object.entries(outcomes).filter(([name]) => name !== "listen on the socket");
  expect(calls).toHaveLength(18);
  const isPort = (name: string): boolean => name.endsWith("over the port");
  expect(calls.filter(([name, outcome]) => isPort(name) && outcome !== "access-denied")).toEqual([]);
  // Where this test is no other user, the socket may be reached, and asks for the password all the same.
  expect(
    calls.filter(
      ([name, outcome]) => !isPort(name) && !/^(access-denied|unavailable|error 14)$/.test(outcome),
    ),
  ).toEqual([]);
  if ("uid" in account) expect(outcomes["listen on the socket"]).toMatch(/EACCES|EPERM/);
  expect(await names("registry")).toEqual(["mine"]);
}, 60_000);

test("nothing that others may read holds the password", async () => {
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const { mode } = statSync(join(directory, name));
    if (name === "address") expect(mode & 0o077).toBe(0);
  }
  expect(statSync(directory).mode & 0o077).toBe(0);
  const pid = server.pid() ?? 0;
  const seen = execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  expect(seen).not.toContain(server.password());
});

test("whoever runs the service gets an address that works with EventStoreDB's client as it is", async () => {
  const client = EventStoreDBClient.connectionString(readAddress(directory) ?? "");
  const events = [];
  for await (const { event } of client.readStream("registry")) events.push(event?.type);
  expect(events).toEqual(["ProjectRegistered"]);
  await client.dispose();
});

test("killed, it comes back with another password on another port; the old ones are worth nothing, and the service goes on", async () => {
  const old = { password: server.password(), port: portOf(readAddress(directory)) };
  process.kill(server.pid() ?? 0, "SIGKILL");
  const squatter = await listenAsSoonAsFree(old.port);
  await until(() => starts === 2);
  expect(portOf(readAddress(directory))).not.toBe(old.port);
  await until(async () => (await store.append("registry", [eventOf("later")], "any")).tag === "appended");
  expect((await names("registry")).at(-1)).toBe("later");
  expect(squatter.met()).toBe(0);
  squatter.server.close();
  const outcomes = await asStranger(old.password);
  expect(outcomes["read all over the port"]).toBe("access-denied");
}, 60_000);

async function names(stream: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { data } of store.readStream(stream)) found.push((data as { name: unknown }).name);
  return found;
}

/** Runs the stranger's attempts as another user where this one may become another. */
async function asStranger(connectionName: string): Promise<Record<string, string>> {
  const port = String(portOf(readAddress(directory)));
  const child = spawn(
    join(strangers, "bun"),
    [join(strangers, "stranger.js"), port, server.socket, connectionName],
    {
      cwd: strangers,
      env: { HOME: strangers },
      stdio: ["ignore", "pipe", "inherit"],
      ...account,
    },
  );
  let printed = "";
  for await (const chunk of child.stdout) printed += chunk;
  return JSON.parse(printed) as Record<string, string>;
}

/** Somebody who waits for the port to be free, and counts who comes. */
async function listenAsSoonAsFree(port: number): Promise<{ server: Server; met: () => number }> {
  let met = 0;
  for (let tries = 0; tries < 2_000; tries++) {
    const taking = createServer((connection) => {
      met++;
      connection.destroy();
    });
    const isTaken = await new Promise<boolean>((resolve) => {
      taking.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (isTaken) return { server: taking, met: () => met };
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("The port was never free.");
}

const portOf = (address: string | undefined): number => Number(/:(\d+)\?/.exec(address ?? "")?.[1]);

const eventOf = (name: string): NewEvent => ({
  id: randomUUID(),
  type: "ProjectRegistered",
  data: { project_uuid: name, name, created_at: "" },
  metadata: { received_at: "2026-01-01T00:00:00.000000000Z" },
});
