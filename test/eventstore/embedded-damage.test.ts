// What the embedded event store makes of flipped bits and of a journal cut short: nothing that was changed is served as
// good or goes missing in silence.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Damage } from "../../src/eventstore/embedded/event-check.ts";
import { EventFile, type FileEvent } from "../../src/eventstore/embedded/event-file.ts";
import { connect } from "./contract-store.ts";
import { startedEmbedded } from "./embedded-process.ts";

let directory: string;
beforeAll(() => {
  // Thousands of files are opened, and none has to outlive the test: memory is quick.
  directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ledger-damage-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const streams = 3;
const events = 20;
const eventOf = (n: number) => ({
  id: Buffer.alloc(16, n + 65),
  type: "IncidentSignalRecorded",
  isJson: true,
  data: Buffer.from(`{"number":${n},"text":"${"d".repeat(40)}"}`),
  metadata: Buffer.from(`{"source":"sender ${n}"}`),
});

/** Each event in a transaction of its own. */
function add(file: EventFile, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    file.begin();
    const name = `incident-p.${n % streams}`;
    const stream = file.stream(name) ?? file.makeStream(name);
    file.add(stream, ++stream.last, eventOf(n), 1_700_000_000_000_000 + n);
    file.saveStream(stream);
    file.commit();
  }
}

interface Found {
  readonly log: readonly string[];
  readonly streams: readonly string[];
  readonly told: readonly Damage[];
}

/** What readers get; the reason where the file is refused or cannot be read. */
function read(path: string): Found | string {
  const told: Damage[] = [];
  let file: EventFile | undefined;
  try {
    file = new EventFile(path, (damage) => told.push(damage));
    const log = file.forwards(0).events.map(textOf);
    const found = Array.from({ length: streams }, (_, n) => {
      const stream = file?.stream(`incident-p.${n}`);
      if (file === undefined || stream === undefined) return [];
      return file.ofStream(stream, { from: 0, to: stream.last, direction: "forwards" }).events.map(textOf);
    });
    return { log, streams: found.flat(), told };
  } catch (error) {
    return String(error);
  } finally {
    try {
      file?.close();
    } catch {
      // Damage shows here as well.
    }
  }
}

const textOf = ({ id, data, metadata, ...rest }: FileEvent): string =>
  JSON.stringify([rest, ...[id, data, metadata].map((bytes) => Buffer.from(bytes).toString("latin1"))]);

let opened = 0;
/** The bytes as a file and, where given, its journal. */
function placed(bytes: Uint8Array, journal?: Uint8Array): string {
  const path = join(directory, `${opened++}.sqlite`);
  writeFileSync(path, bytes);
  if (journal !== undefined) writeFileSync(`${path}-wal`, journal);
  return path;
}

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** A file that was closed in order, and what it holds. */
function wholeFile(): { readonly bytes: Buffer; readonly truth: Found } {
  const path = join(directory, `${opened++}.sqlite`);
  const file = new EventFile(path);
  add(file, 0, events);
  file.close();
  const truth = read(path);
  if (typeof truth === "string") throw new Error(truth);
  return { bytes: readFileSync(path), truth };
}

/** "good": nothing that is served differs. "told": what differs is told of and served without content. */
function judge(found: Found | string, truth: Found): "refused" | "good" | "told" | "silent" {
  if (typeof found === "string") return "refused";
  const good = new Set([...truth.log, ...truth.streams]);
  const others = [...found.log, ...found.streams].filter((text) => !good.has(text));
  const isWhole = found.log.length === truth.log.length && found.streams.length === truth.streams.length;
  if (isWhole && others.length === 0) return "good";
  return found.told.length > 0 && isWhole && others.every((text) => text.includes('"type":"$damaged"'))
    ? "told"
    : "silent";
}

describe("a flipped bit", () => {
  test("anywhere in an event's row is told of, and the event never served", () => {
    const { bytes, truth } = wholeFile();
    const one = eventOf(9);
    // Before the id lie the row's length, position, column kinds, stream and revision; behind the metadata its sum.
    const from = bytes.indexOf(one.id) - 22;
    const to = bytes.indexOf(one.metadata) + one.metadata.length + 5;
    const count = { refused: 0, good: 0, told: 0, silent: 0 };
    for (let bit = from * 8; bit < to * 8; bit++) {
      count[judge(read(placed(flipped(bytes, bit))), truth)]++;
    }
    console.log(`  ${(to - from) * 8} flips in one event: ${JSON.stringify(count)}`);
    expect(count.silent).toBe(0);
    expect(count.told).toBeGreaterThan(1_000);
  }, 60_000);

  test("anywhere in the file is refused, told of or harmless", () => {
    const { bytes, truth } = wholeFile();
    const count = { refused: 0, good: 0, told: 0, silent: 0 };
    for (let bit = 0; bit < bytes.length * 8; bit += 1_009)
      count[judge(read(placed(flipped(bytes, bit))), truth)]++;
    console.log(`  flips over ${bytes.length} bytes: ${JSON.stringify(count)}`);
    expect(count.silent).toBe(0);
    expect(count.refused).toBeGreaterThan(10);
  }, 60_000);

  test("in a file that was served since is told of to readers and on stderr", async () => {
    const { bytes } = wholeFile();
    const server = await startedEmbedded(placed(flipped(bytes, bytes.indexOf(eventOf(9).data) * 8 + 100)));
    let said = "";
    server.child.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    const client = connect(server.url);
    const types: string[] = [];
    for await (const { event } of client.readStream("incident-p.0")) types.push(event?.type ?? "");
    expect(types).toEqual(
      types.map((_, revision) => (revision === 3 ? "$damaged" : "IncidentSignalRecorded")),
    );
    expect(types.length).toBe(7);
    await client.dispose();
    await server.end("SIGTERM");
    expect(JSON.parse(said)).toMatchObject({ event: "damaged", stream: "incident-p.0", revision: 3 });
  }, 20_000);
});

/** Half of the events came through a checkpoint, half lie in the journal, as a kill leaves them. */
function withJournal(): { readonly bytes: Buffer; readonly journal: Buffer; readonly truth: Found } {
  const path = join(directory, `${opened++}.sqlite`);
  const first = new EventFile(path);
  add(first, 0, events / 2);
  first.close();
  const file = new EventFile(path);
  add(file, events / 2, events);
  const bytes = readFileSync(path);
  const journal = readFileSync(`${path}-wal`);
  file.close();
  const truth = read(path);
  if (typeof truth === "string") throw new Error(truth);
  return { bytes, journal, truth };
}

/** Where each transaction of the journal ends. */
function transactionEnds(journal: Buffer): readonly number[] {
  const frame = 24 + journal.readUInt32BE(8);
  const ends: number[] = [];
  for (let at = 32; at + frame <= journal.length; at += frame)
    if (journal.readUInt32BE(at + 4) !== 0) ends.push(at + frame);
  return ends;
}

describe("a journal", () => {
  test("cut at any byte: the file opens and holds every event whose transaction is whole, and no half one", () => {
    const { bytes, journal, truth } = withJournal();
    const ends = transactionEnds(journal);
    expect(ends.length).toBe(events / 2);
    const near = ends.flatMap((end) => [end - 1, end, end + 1]);
    const even = Array.from({ length: Math.floor(journal.length / 1_013) }, (_, n) => n * 1_013);
    for (const length of [...near, ...even, 0, 1, 31, 32, 33].filter((at) => at <= journal.length)) {
      const found = read(placed(bytes, journal.subarray(0, length)));
      if (typeof found === "string") throw new Error(`cut at ${length}: ${found}`);
      const whole = events / 2 + ends.filter((end) => end <= length).length;
      expect(found.log).toEqual(truth.log.slice(0, whole));
      expect(found.streams.length).toBe(whole);
      expect(found.told).toEqual([]);
    }
  }, 60_000);

  test("with a flipped bit before its last transaction is told of and kept; what it held before is there", () => {
    const { bytes, journal, truth } = withJournal();
    const ends = transactionEnds(journal);
    const last = ends.at(-2) ?? 0;
    const count = { refused: 0, harmless: 0, told: 0 };
    for (let bit = 0; bit < last * 8; bit += 5_003) {
      // The page size says where transactions begin, and the format's numbers are not read by SQLite alone.
      const changed = flipped(journal, bit);
      const path = placed(bytes, changed);
      const found = read(path);
      if (typeof found === "string") {
        count.refused++;
        continue;
      }
      const whole = events / 2 + ends.filter((end) => end <= bit >> 3).length;
      expect(found.log).toEqual(truth.log.slice(0, found.log.length));
      expect(found.log.length).toBeGreaterThanOrEqual(bit < 32 * 8 ? events / 2 : whole);
      if (found.log.length === events) {
        count.harmless++;
        continue;
      }
      count.told++;
      expect(found.told).toMatchObject([{ event: "damaged_journal" }]);
      const kept = readdirSync(directory).filter(
        (name) => path.endsWith(name.replace(/-wal\.\d+\.damaged$/, "")) && name.endsWith(".damaged"),
      );
      expect(kept.map((name) => readFileSync(join(directory, name)).equals(changed))).toEqual([true]);
    }
    console.log(`  flips in the journal: ${JSON.stringify(count)}`);
    expect(count.told).toBeGreaterThan(10);
  }, 60_000);
});

test("a file of the format without check sums opens; what is added has one", () => {
  const path = join(directory, "format-1.sqlite");
  const now = new EventFile(path);
  add(now, 0, 3);
  now.close();
  const old = new DatabaseSync(path);
  old.exec("alter table events drop column crc; pragma user_version = 1");
  old.close();
  const file = new EventFile(path);
  add(file, 3, 6);
  expect(file.forwards(0).events.map(({ type }) => type)).toEqual(
    Array.from({ length: 6 }, () => "IncidentSignalRecorded"),
  );
  file.close();
  const after = new DatabaseSync(path);
  expect(after.prepare("select count(*) as n, count(crc) as summed from events").get()).toEqual({
    n: 6,
    summed: 3,
  });
  after.close();
});
