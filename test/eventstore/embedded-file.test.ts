// The embedded event store's file: what it refuses to open and says about it, and what it still holds after a stop.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { connect, event, numbersIn, upTo } from "./contract-store.ts";
import { startEmbedded, startedEmbedded } from "./embedded-process.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-embedded-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function refusal(file: string): Promise<string> {
  const start = await startEmbedded(file);
  if (start.tag === "listening") {
    await start.process.end("SIGKILL");
    throw new Error(`It started on ${file}.`);
  }
  expect(start.code).toBe(1);
  expect(start.said).toContain(file);
  return start.said;
}

test("a file of anything else is refused and left as it was", async () => {
  const file = join(directory, "garbage.sqlite");
  writeFileSync(file, "this is no event store ".repeat(400));
  const before = readFileSync(file);
  expect(await refusal(file)).toContain("no SQLite database");
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("another program's database is refused", async () => {
  const file = join(directory, "foreign.sqlite");
  const foreign = new DatabaseSync(file);
  foreign.exec("create table accounts (name text)");
  foreign.close();
  expect(await refusal(file)).toContain("something else");
});

test("a torn file is refused as damaged; events and ids survive an orderly stop", async () => {
  const file = join(directory, "torn.sqlite");
  const first = await startedEmbedded(file);
  const client = connect(first.url);
  const events = upTo(400).map((n) => event(n));
  await client.appendToStream("kept", events);
  await client.dispose();
  expect(await first.end("SIGTERM")).toBe(0);

  const second = await startedEmbedded(file);
  const again = connect(second.url);
  expect((await again.appendToStream("kept", events)).nextExpectedRevision).toBe(399n);
  expect(await numbersIn(again, "kept")).toEqual(upTo(400));
  await again.dispose();
  expect(await second.end("SIGTERM")).toBe(0);

  truncateSync(file, Math.floor(readFileSync(file).length / 2 / 4096) * 4096 - 1000);
  expect(await refusal(file)).toContain("damaged");
  // Refusing it has made nothing of it that would be refused for another reason, or not at all.
  expect(await refusal(file)).toContain("damaged");
});

test("a second process on the same file is refused, also after the first was killed and started again", async () => {
  const file = join(directory, "twice.sqlite");
  const first = await startedEmbedded(file);
  expect(await refusal(file)).toContain("another event store has it open");
  await first.end("SIGKILL");
  const next = await startedEmbedded(file);
  expect(await refusal(file)).toContain("another event store has it open");
  expect(await next.end("SIGTERM")).toBe(0);
});
