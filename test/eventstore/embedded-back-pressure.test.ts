// A store that has more to write than it has room for lets its clients wait; it refuses none.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect as connectSocket, createServer, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type UntypedHandleCall } from "@grpc/grpc-js";
import { EventFile } from "../../src/eventstore/embedded/event-file.ts";
import { startWriter, type Writer } from "../../src/eventstore/embedded/group-commit.ts";
import { services } from "../../src/eventstore/embedded/protocol.ts";
import { writeService } from "../../src/eventstore/embedded/write-service.ts";
import { until } from "./adapter-store.ts";
import { event, numbersIn, openContractStore, outcomeOf, unique, upTo } from "./contract-store.ts";
import { rawAppend, rawClient } from "./raw-store.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const port = (server: NetServer): number => (server.address() as AddressInfo).port;

/** Counts what a client sends to the port behind it. */
async function countingProxy(
  target: number,
): Promise<{ readonly port: number; readonly sent: () => number }> {
  let sent = 0;
  const proxy = createServer((client) => {
    const server = connectSocket(target, "127.0.0.1");
    client.on("data", (chunk) => {
      sent += chunk.length;
    });
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  closing.push(() => proxy.close());
  return { port: port(proxy), sent: () => sent };
}

async function serverOf(writer: Writer): Promise<number> {
  const server = new Server();
  server.addService(services.streams, {
    ...writeService(writer),
    read: () => undefined,
  } as unknown as Record<string, UntypedHandleCall>);
  closing.push(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
}

test("10,000 appends of 1 kB started at once to one stream are all stored", async () => {
  const store = await openContractStore();
  const stream = unique("burst");
  const text = "x".repeat(1_000);
  const outcomes = await Promise.all(
    upTo(10_000).map((n) =>
      // The client encodes all of them first, which is most of the time on a busy machine.
      outcomeOf(
        store.client.appendToStream(stream, { ...event(n), data: { n, text } }, { deadline: 120_000 }),
      ),
    ),
  );
  // The client keeps no order among them.
  expect(outcomes.toSorted((a, b) => Number(a) - Number(b))).toEqual(upTo(10_000));
  expect((await numbersIn(store.client, stream)).length).toBe(10_000);
  await store.close();
}, 180_000);

describe("a writer that has no room", () => {
  test("leaves what comes with the client, and takes it once there is room", async () => {
    let makeRoom = (): void => undefined;
    const room = new Promise<void>((resolve) => {
      makeRoom = resolve;
    });
    let isFull = true;
    let written = 0;
    const writer: Writer = {
      write: async () => {
        written++;
        return { tag: "written", last: written - 1, position: written };
      },
      room: () => (isFull ? room : undefined),
      onFlushed: () => undefined,
      writeBack: () => undefined,
      drained: async () => undefined,
    };
    const proxy = await countingProxy(await serverOf(writer));
    const client = rawClient(proxy.port);
    closing.push(() => client.close());
    const call = client.batchAppend();
    let answers = 0;
    call.on("error", () => undefined);
    call.on("data", () => {
      answers++;
    });
    for (const _ of upTo(640)) call.write(rawAppend({ stream: "held", bytes: 100_000 }));
    await until(() => written > 0);
    let before = -1;
    await until(async () => {
      const isStill = proxy.sent() === before;
      before = proxy.sent();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return isStill;
    });
    expect(written).toBe(1);
    expect(proxy.sent()).toBeLessThan(8_000_000);
    isFull = false;
    makeRoom();
    await until(() => answers === 640);
    expect(written).toBe(640);
    call.cancel();
  }, 60_000);

  test("is one with 8,192 waiting writes or 64 MiB, until half are written", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ledger-room-"));
    closing.push(() => rmSync(directory, { recursive: true, force: true }));
    const file = new EventFile(join(directory, "events.sqlite"), () => undefined);
    const writer = startWriter(file, (error) => {
      throw error;
    });
    let next = 0;
    const write = (bytes: number) =>
      writer.write({
        tag: "append",
        stream: "many",
        expected: "any",
        looksFor: "first_id",
        events: [
          {
            id: Buffer.from(String(next++).padStart(16, "0")),
            type: "T",
            isJson: false,
            data: new Uint8Array(bytes),
            metadata: new Uint8Array(),
          },
        ],
        deadlineMs: Number.POSITIVE_INFINITY,
      });
    for (const { count, bytes } of [
      { count: 8_192, bytes: 1 },
      { count: 65, bytes: 1_040_000 },
    ]) {
      const written = upTo(count - 1).map(() => write(bytes));
      expect(writer.room()).toBeUndefined();
      written.push(write(bytes));
      const room = writer.room();
      expect(room).toBeInstanceOf(Promise);
      await room;
      expect(writer.room()).toBeUndefined();
      expect(new Set((await Promise.all(written)).map(({ tag }) => tag))).toEqual(new Set(["written"]));
    }
    file.close();
  }, 60_000);
});
