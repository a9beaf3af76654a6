// Deadlines and lengths at which the embedded store refuses an append, as EventStoreDB does.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { EventFile } from "../../src/eventstore/embedded/event-file.ts";
import { startWriter, type Write } from "../../src/eventstore/embedded/group-commit.ts";
import {
  type ContractStore,
  event,
  numbersIn,
  openContractStore,
  outcomeOf,
  unique,
} from "./contract-store.ts";
import { answerOf, rawClient } from "./raw-store.ts";

let store: ContractStore;
let raw: ReturnType<typeof rawClient>;
beforeAll(async () => {
  store = await openContractStore();
  raw = rawClient(Number(new URL(store.url).port));
});
afterAll(async () => {
  raw.close();
  await store.close();
});

const late = "deadline-exceeded";
const tooLarge = "maximum-append-size-exceeded";
const asUser = { credentials: { username: "admin", password: "changeit" } };

describe("an append past its deadline", () => {
  test("is that before it is too large, at a wrong revision, or to a deleted stream", async () => {
    const deadline = -1_000;
    const large = { ...event(1), data: { n: 1, text: "x".repeat(1_100_000) } };
    const deleted = unique("late-deleted");
    await store.client.appendToStream(deleted, event(0));
    await store.client.tombstoneStream(deleted);
    for (const path of [{}, asUser]) {
      const stream = unique("late");
      const append = (...[to, events, options]: Parameters<typeof store.client.appendToStream>) =>
        outcomeOf(store.client.appendToStream(to, events, { ...options, ...path, deadline }));
      expect(await append(stream, event(0))).toBe(late);
      expect(await append(stream, large)).toBe(late);
      expect(await append(stream, event(0), { expectedRevision: 5n })).toBe(late);
      expect(await append(deleted, event(0))).toBe(late);
      expect(await numbersIn(store.client, stream)).toBe("stream-not-found");
    }
  });

  test("is that before what it lacks", async () => {
    const options = { deadline: { seconds: -1 } };
    const stream = unique("late-raw");
    expect(await answerOf(raw, { stream, options })).toBe("Timeout");
    expect(await answerOf(raw, { stream, options, type: undefined })).toBe("Timeout");
    expect(await answerOf(raw, { stream, type: undefined })).toBe("BadRequest");
    expect(await answerOf(raw, { stream, options: { deadline: { seconds: 60 } } })).toBe("stored");
  });

  test("is not written where the deadline passes while it waits for a flush", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ledger-late-"));
    const file = new EventFile(join(directory, "events.sqlite"), () => undefined);
    const writer = startWriter(file, (error) => {
      throw error;
    });
    const write = (deadlineMs: number): Write => ({
      tag: "append",
      stream: "waits",
      expected: "any",
      looksFor: "first_id",
      events: [
        {
          id: Buffer.from(String(deadlineMs).padEnd(16, ".").slice(0, 16)),
          type: "T",
          isJson: true,
          data,
          metadata: data,
        },
      ],
      deadlineMs,
    });
    const data = Buffer.from("{}");
    expect(await writer.write(write(Date.now()))).toEqual({ tag: "late" });
    expect(file.stream("waits")).toBeUndefined();
    expect((await writer.write(write(Number.POSITIVE_INFINITY))).tag).toBe("written");
    file.close();
    rmSync(directory, { recursive: true, force: true });
  });
});

describe("an append's length", () => {
  // Data, and the type "Raw" at two bytes a character.
  const most = 1_048_576 - 6;

  test("of exactly 1 MiB is taken, and one byte more is refused, on both paths", async () => {
    const stream = unique("length");
    expect(await answerOf(raw, { stream, bytes: most })).toBe("stored");
    expect(await answerOf(raw, { stream, bytes: most + 1 })).toBe("MaximumAppendSizeExceeded");
    for (const path of [{}, asUser]) {
      const to = unique("length-events");
      const half = { ...event(1, { type: "T" }), data: { n: 1, text: "x".repeat(524_271) } };
      const append = (...[events]: (typeof half)[][]) =>
        outcomeOf(store.client.appendToStream(to, events ?? [], path));
      expect(Buffer.byteLength(JSON.stringify(half.data))).toBe(524_288);
      expect(await append([half, half])).toBe(tooLarge);
      expect(await numbersIn(store.client, to)).toBe("stream-not-found");
    }
  });

  test("is judged over all the messages that it comes in", async () => {
    const stream = unique("parts");
    const part = { ...event(1), data: { n: 1, text: "x".repeat(300_000) } };
    const append = (count: number) =>
      outcomeOf(
        store.client.appendToStream(
          stream,
          Array.from({ length: count }, () => ({ ...part, id: crypto.randomUUID() })),
          { batchAppendSize: 400_000 },
        ),
      );
    expect(await append(4)).toBe(tooLarge);
    expect(await numbersIn(store.client, stream)).toBe("stream-not-found");
    expect(await append(3)).toBe(2);
  });

  test("beyond what one message may have ends the call with RESOURCE_EXHAUSTED, and the next call works", async () => {
    const stream = unique("message");
    expect(await answerOf(raw, { stream, bytes: 16_777_216 - 10_000 })).toBe(status.RESOURCE_EXHAUSTED);
    expect(await answerOf(raw, { stream, bytes: 16_700_000 })).toBe("MaximumAppendSizeExceeded");
    expect(await answerOf(raw, { stream })).toBe("stored");
  });
});
