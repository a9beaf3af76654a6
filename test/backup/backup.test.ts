// Backup and restore over the protocol, between two embedded event stores: nothing is changed, nothing is forgotten, and
// what does not fit is refused before anything is written.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backUp } from "../../src/backup/backup.ts";
import { BackupDamaged, type Manifest, readManifest } from "../../src/backup/backup-files.ts";
import { copiedMetadata } from "../../src/backup/copied-event.ts";
import { NotRestored, restore } from "../../src/backup/restore.ts";
import { startEventStore } from "../../src/eventstore/embedded/server.ts";
import { openRawLog, type RawEvent, type RawLog } from "../../src/eventstore/raw-log.ts";
import { encodeRecords } from "../../src/spool/record.ts";

interface Store {
  readonly log: RawLog;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

let directory = "";
let source: Store;
let dir = "";
let dataDir = "";
const stops: (() => Promise<void>)[] = [];

const newStore = async (): Promise<Store> => {
  const file = join(directory, `${randomUUID()}.sqlite`);
  const server = await startEventStore({ file, host: "127.0.0.1", port: 0, password: undefined });
  const log = openRawLog(server.connectionString);
  const stop = async (): Promise<void> => {
    await log.close();
    await server.stop();
  };
  stops.push(stop);
  return { log, url: server.connectionString, stop };
};

type Part = Parameters<RawLog["append"]>[2][number];
const json = (data: string, metadata = "{}", id: string = randomUUID()): Part => ({
  id,
  type: "Counted",
  isJson: true,
  data: Buffer.from(data),
  metadata: Buffer.from(metadata),
});

const eventsIn = async (log: RawLog): Promise<RawEvent[]> => {
  const events: RawEvent[] = [];
  for await (const event of log.read(0n)) events.push(event);
  return events;
};

const put = async (store: Store, stream: string, behind: bigint, ...events: Part[]): Promise<void> => {
  expect(await store.log.append(stream, behind, events)).toEqual({ tag: "appended" });
};

const backUpSource = (to = dir) =>
  backUp({ log: source.log, to, dataDir, keys: "leave out", progress: () => {} });
const restoreInto = (store: Store, options: { manifest?: Manifest; untilMs?: number } = {}) =>
  restore({
    log: store.log,
    from: dir,
    manifest: options.manifest ?? manifestHere(),
    untilMs: options.untilMs,
    progress: () => {},
  });
function manifestHere(): Manifest {
  const manifest = readManifest(dir);
  if (manifest === undefined) throw new Error("There is no backup.");
  return manifest;
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-backup-"));
});
beforeEach(async () => {
  source = await newStore();
  dir = join(directory, randomUUID());
  dataDir = join(directory, randomUUID());
  mkdirSync(join(dataDir, "spool"), { recursive: true });
});
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  rmSync(directory, { recursive: true, force: true });
});

/** JSON that parsing would change, bytes that are no text, a stream's name beyond ASCII. */
async function fill(): Promise<void> {
  await put(source, "ledger", -1n, json('{"log_id":"of the source"}'));
  await put(source, "registry", -1n, json('{"n":9007199254740993,  "x":1.0}', '{ "received_at":"now" }'));
  await put(source, "incident-p.é–", -1n, json("{}", ""), json("[1]", '{"a":{"b":1e400}}'));
  await put(source, "$$registry", -1n, { ...json("{}"), type: "$metadata" });
  const bytes = Buffer.from([0, 255, 254, 128]);
  await put(source, "registry", 0n, { ...json(""), isJson: false, data: bytes, metadata: bytes });
  await put(source, "incident-p.é–", 1n, json('{"last":true}'));
}

test("a restored log holds the same events to the byte, in the same order, with their first time and position", async () => {
  await fill();
  const { manifest, newEvents } = await backUpSource();
  expect([newEvents, manifest.position]).toEqual([5, String(await source.log.head())]);
  const target = await newStore();
  expect(await restoreInto(target)).toMatchObject({ events: 5, spooled: 0 });
  const originals = (await eventsIn(source.log)).filter(({ stream }) => !/^(\$|ledger$)/.test(stream));
  const copies = await eventsIn(target.log);
  const same = ({ id, type, isJson, stream, revision, data }: RawEvent) => [
    [id, type, isJson, stream, revision],
    Buffer.from(data).toString("latin1"),
  ];
  expect(copies.map(same)).toEqual(originals.map(same));
  for (const [index, { metadata }] of copies.entries()) {
    const original = originals[index];
    const before = Buffer.from(original?.metadata ?? []).toString("latin1");
    if (before.startsWith("\0")) {
      expect(Buffer.from(metadata).toString("latin1")).toBe(before);
      continue;
    }
    const after = JSON.parse(Buffer.from(metadata).toString());
    expect(after.copied_position).toBe(String(original?.position));
    expect(after.copied_recorded_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    expect(Date.parse(after.copied_recorded_at)).toBe(Number((original?.created ?? 0n) / 10_000n));
  }
  expect(Buffer.from(copies[2]?.metadata ?? []).toString()).toStartWith('{"a":{"b":1e400},"copied_');
});

test("a copy of a copy keeps the first time and position", async () => {
  await fill();
  await backUpSource();
  const target = await newStore();
  await restoreInto(target);
  const second = join(directory, randomUUID());
  await backUp({ log: target.log, to: second, dataDir, keys: "leave out", progress: () => {} });
  const third = await newStore();
  const manifest = readManifest(second);
  if (manifest === undefined) throw new Error("There is no backup.");
  await restore({ log: third.log, from: second, manifest, untilMs: undefined, progress: () => {} });
  const metadataOf = async (log: RawLog) =>
    (await eventsIn(log)).map(({ metadata }) => Buffer.from(metadata).toString("latin1"));
  expect(await metadataOf(third.log)).toEqual(await metadataOf(target.log));
});

test("a later backup adds what came since, and one of another log is refused", async () => {
  await fill();
  await backUpSource();
  await put(source, "registry", 1n, json('{"later":1}'));
  expect((await backUpSource()).newEvents).toBe(1);
  expect((await backUpSource()).newEvents).toBe(0);
  expect(manifestHere().segments.map(({ events }) => events)).toEqual([5, 1]);
  const other = await newStore();
  await put(other, "registry", -1n, json('{"n":1}'), json("{}"), json(`"${"x".repeat(5_000)}"`));
  const into = backUp({ log: other.log, to: dir, dataDir, keys: "leave out", progress: () => {} });
  await expect(into).rejects.toThrow("of another log");
  const target = await newStore();
  expect((await restoreInto(target)).events).toBe(6);
});

test("a restore that broke off goes on; one into a store that holds something else is refused", async () => {
  await fill();
  await backUpSource();
  const target = await newStore();
  const [first] = (await eventsIn(source.log)).filter(({ stream }) => stream === "registry");
  if (first === undefined) throw new Error("The source has events.");
  await put(target, "registry", -1n, { ...first, metadata: copiedMetadata(first) });
  expect((await restoreInto(target)).events).toBe(5);
  expect((await restoreInto(target)).events).toBe(5);
  expect(await eventsIn(target.log)).toHaveLength(5);
  await expect(restoreInto(source)).rejects.toThrow("not empty");
  const used = await newStore();
  await put(used, "registry", -1n, json("{}"));
  await expect(restoreInto(used)).rejects.toBeInstanceOf(NotRestored);
  expect(await eventsIn(used.log)).toHaveLength(1);
});

test("until a time: what was recorded up to then, and nothing of the spool", async () => {
  await fill();
  const created = (await eventsIn(source.log)).at(-1)?.created ?? 0n;
  await new Promise((resolve) => setTimeout(resolve, 5));
  await put(source, "registry", 1n, json('{"too":"late"}'));
  spoolFile([{ stream: "registry", events: [spooledEvent("of the spool")] }]);
  await backUpSource();
  const target = await newStore();
  const restored = await restoreInto(target, { untilMs: Number(created / 10_000n) });
  expect(restored).toMatchObject({ events: 5, spooled: 0 });
});

const spooledEvent = (name: string, id: string = randomUUID()) => ({
  id,
  type: "Counted",
  data: { name },
  metadata: { received_at: "then" },
});
function spoolFile(records: readonly object[], tail: Uint8Array = Buffer.alloc(0)): void {
  const payloads = records.map((record) => {
    const text = JSON.stringify({ at: 1, ...record });
    return { text, bytes: Buffer.byteLength(text) };
  });
  writeFileSync(
    join(dataDir, "spool", "00000000000000000001.spool"),
    Buffer.concat([encodeRecords(1n, payloads), tail]),
  );
}

test("what waits on the spool is restored behind the log, what drained meanwhile once; a torn tail is no record", async () => {
  const drained = spooledEvent("drained");
  await fill();
  await put(source, "incident-p.drained", -1n, json(JSON.stringify(drained.data), "{}", drained.id));
  spoolFile(
    [
      { stream: "incident-p.drained", events: [drained] },
      { stream: "incident-p.waiting", events: [spooledEvent("one"), spooledEvent("two")] },
    ],
    Buffer.from("ISP"),
  );
  await backUpSource();
  const target = await newStore();
  expect(await restoreInto(target)).toEqual({ events: 6, spooled: 2, damagedInSpool: 0 });
  const waiting = (await eventsIn(target.log)).filter(({ stream }) => stream === "incident-p.waiting");
  expect(waiting.map(({ data }) => JSON.parse(Buffer.from(data).toString()).name)).toEqual(["one", "two"]);
  expect(await eventsIn(target.log)).toHaveLength(8);
});

test("a backup that was changed is refused before anything is written", async () => {
  await fill();
  spoolFile([{ stream: "registry", events: [spooledEvent("waits")] }]);
  await backUpSource();
  const files = [...manifestHere().segments, ...manifestHere().spool].map(({ file }) => join(dir, file));
  expect(files).toHaveLength(2);
  for (const file of files) {
    const bytes = readFileSync(file);
    const changed = Buffer.from(bytes);
    changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1;
    for (const other of [changed, bytes.subarray(0, -1)]) {
      writeFileSync(file, other);
      const target = await newStore();
      await expect(restoreInto(target)).rejects.toBeInstanceOf(BackupDamaged);
      await expect(backUpSource()).rejects.toBeInstanceOf(BackupDamaged);
      expect(await eventsIn(target.log)).toEqual([]);
    }
    writeFileSync(file, bytes);
  }
  writeFileSync(join(dir, "backup.json"), "{");
  expect(() => readManifest(dir)).toThrow(BackupDamaged);
});

test("a backup that breaks off leaves the one before as it was, and the next goes on behind it", async () => {
  await fill();
  await backUpSource();
  await put(source, "registry", 1n, json('{"later":1}'));
  const breaking: RawLog = {
    ...source.log,
    read: async function* (from) {
      for await (const event of source.log.read(from)) {
        if (event.position > BigInt(manifestHere().position)) throw new Error("broken off");
        yield event;
      }
    },
  };
  const broken = backUp({ log: breaking, to: dir, dataDir, keys: "leave out", progress: () => {} });
  await expect(broken).rejects.toThrow("broken off");
  expect((await restoreInto(await newStore())).events).toBe(5);
  expect((await backUpSource()).newEvents).toBe(1);
  expect((await restoreInto(await newStore())).events).toBe(6);
  expect(readdirSync(dir).filter((name) => name.startsWith("spool-"))).toHaveLength(1);
});

test("keys are copied where they are asked for, and a directory with other files is left alone", async () => {
  await fill();
  writeFileSync(join(dataDir, "admin-key"), "ila_key\n");
  expect((await backUpSource()).manifest.keys).toEqual({
    "admin-key": "left out",
    "secrets-key": "not there",
  });
  expect(existsSync(join(dir, "keys"))).toBe(false);
  const { manifest } = await backUp({
    log: source.log,
    to: dir,
    dataDir,
    keys: "include",
    progress: () => {},
  });
  expect(manifest.keys).toEqual({ "admin-key": "included", "secrets-key": "not there" });
  expect(readFileSync(join(dir, "keys/admin-key"), "utf8")).toBe("ila_key\n");
  const other = join(directory, randomUUID());
  mkdirSync(other);
  writeFileSync(join(other, "letters.txt"), "");
  await expect(backUpSource(other)).rejects.toThrow("no backup");
  expect(readdirSync(other)).toEqual(["letters.txt"]);
});
