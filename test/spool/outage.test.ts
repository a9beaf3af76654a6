import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { connectEventStore } from "../../src/eventstore/client.ts";
import type { DurableOutcome } from "../../src/intake/event-log.ts";
import { storeFirst } from "../../src/spool/durability.ts";
import { startForwarder } from "../../src/spool/forwarder.ts";
import { storeProcess, until } from "../eventstore/adapter-store.ts";
import { eventOf, idsIn, opened, quiet, scratchDirectory } from "./scratch.ts";

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory();
});
afterEach(() => scratch.remove());

/** Runs the adder until it has acknowledged `after` records, kills it, and says what it had acknowledged. */
function killedAdder(prefix: string, after: number, url?: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const adder = fileURLToPath(new URL("./adder.ts", import.meta.url));
    const more = url === undefined ? [] : [url];
    const child = spawn(process.execPath, [adder, scratch.path, prefix, ...more], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      if (printed.split("\n").length > after) child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", () => resolve(printed.split("\n").slice(0, -1)));
  });
}

describe("a process killed while it spools", () => {
  test("leaves every acknowledged record, in order, and a spool that opens, ten times over", async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const ids = await killedAdder(`r${round}`, 1 + round * 60);
      expect(ids.length).toBeGreaterThan(round * 60);
      acknowledged.push(...ids);
    }
    const spool = await opened(scratch.path);
    const there = await idsIn(spool);
    const known = new Set(there);
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
    expect(known.size).toBe(there.length);
    expect(spool.stats().damaged).toBe(0);
    const rounds = there.map((id) => Number(/^r(\d+)/.exec(id)?.[1]));
    expect(rounds).toEqual([...rounds].sort((a, b) => a - b));
    await spool.close();
  }, 60_000);
});

describe("a process killed while its spool drains", () => {
  test("sends the same ids again after each start: all are in the store, each once", async () => {
    const server = await storeProcess();
    const store = connectEventStore({ url: server.url, log: quiet });
    const prefix = `incident-${randomUUID()}.`;
    const acknowledged: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      acknowledged.push(...(await killedAdder(prefix, 150 + round * 130, server.url)));
    }
    const spool = await opened(scratch.path);
    const forwarder = startForwarder({
      spool,
      append: store.append,
      readBackwards: store.readBackwards,
      log: quiet,
    });
    await until(() => spool.stats().waiting === 0);
    const stored: string[] = [];
    for await (const { id } of store.readLog({ prefixes: [prefix] })) stored.push(id);
    const known = new Set(stored);
    expect(acknowledged.length).toBeGreaterThan(6 * 150);
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
    expect(stored.length).toBe(known.size);
    await forwarder.stop();
    await spool.close();
    await store.close();
    await server.remove();
  }, 60_000);
});

describe("an event store that is killed, frozen and comes back under load", () => {
  test("costs nothing: everything is acknowledged, and all of it ends up in the store, once", async () => {
    const server = await storeProcess();
    const store = connectEventStore({ url: server.url, log: quiet, appendTimeoutMs: 300 });
    const spool = await opened(scratch.path);
    const forwarder = startForwarder({
      spool,
      append: store.append,
      readBackwards: store.readBackwards,
      log: quiet,
    });
    const keep = storeFirst({ append: store.append, spool, boundMs: 300, maxInFlight: 64 });
    const prefix = `incident-${randomUUID()}.`;
    const kept = new Map<DurableOutcome["tag"], number>();
    const acknowledged: string[] = [];
    let sending = true;
    const senders = Array.from({ length: 16 }, async () => {
      while (sending) {
        const id = randomUUID();
        const { tag } = await keep(prefix + id, [eventOf(id)]);
        kept.set(tag, (kept.get(tag) ?? 0) + 1);
        if (tag === "appended" || tag === "spooled") acknowledged.push(id);
      }
    });
    const count = (tag: DurableOutcome["tag"]): number => kept.get(tag) ?? 0;
    await until(() => count("appended") > 200);
    await server.kill();
    await until(() => count("spooled") > 300);
    await server.start();
    const storedBefore = count("appended");
    await until(() => count("appended") > storedBefore + 200);
    const spooledBefore = count("spooled");
    server.freeze();
    await until(() => count("spooled") > spooledBefore + 100);
    server.thaw();
    const storedAfter = count("appended");
    await until(() => count("appended") > storedAfter + 100);
    sending = false;
    await Promise.all(senders);
    await until(() => spool.stats().waiting === 0);

    expect(count("unavailable")).toBe(0);
    const stored: string[] = [];
    for await (const { id } of store.readLog({ prefixes: [prefix] })) stored.push(id);
    const known = new Set(stored);
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
    expect(stored.length).toBe(known.size);
    await forwarder.stop();
    await spool.close();
    await store.close();
    await server.remove();
  }, 60_000);
});
