// Copies of the embedded event store's file without its journal, or with one of another time: said at the start, instead
// of a log that is empty or has a hole.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventFile } from "../../src/eventstore/embedded/event-file.ts";

let directory = "";
let original = "";
let file: EventFile;
/** A moment of the file and its journal. */
const copies: { file: Buffer; journal: Buffer; events: number }[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ledger-copies-"));
  original = join(directory, "events.sqlite");
  file = new EventFile(original);
  for (let n = 0; n < 6; n++) {
    add(5);
    copy();
    file.writeBack();
    copy();
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let events = 0;
function add(count: number): void {
  for (let n = 0; n < count; n++) {
    file.begin();
    const stream = file.stream("incident-p.x") ?? file.makeStream("incident-p.x");
    const event = {
      id: createHash("sha256").update(`event ${events}`).digest().subarray(0, 16),
      type: "Counted",
      isJson: true,
      data: Buffer.from("{}"),
      metadata: Buffer.alloc(0),
    };
    file.add(stream, ++stream.last, event, 0);
    file.saveStream(stream);
    file.commit();
    events++;
  }
}

function copy(): void {
  copies.push({ file: readFileSync(original), journal: readFileSync(`${original}-wal`), events });
}

let opened = 0;
/** The number of events; the reason where it is refused. */
function open(bytes: Buffer, journal: Buffer | undefined): number | string {
  const path = join(directory, `${opened++}.sqlite`);
  writeFileSync(path, bytes);
  if (journal !== undefined) writeFileSync(`${path}-wal`, journal);
  const first = openAt(path);
  // Asked again it says the same: the refusal has changed nothing.
  expect(openAt(path)).toEqual(first);
  if (typeof first === "string" && journal !== undefined) {
    expect(readFileSync(`${path}-wal`).equals(journal)).toBe(true);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  }
  return first;
}

function openAt(path: string): number | string {
  try {
    const copied = new EventFile(path);
    const found = copied.forwards(0).events.length;
    copied.close();
    return found;
  } catch (error) {
    return String(error).replace(path, "FILE").replace(path, "FILE");
  }
}

test("a file and its journal, copied at one moment, open with everything", () => {
  for (const { file: bytes, journal, events: there } of copies) expect(open(bytes, journal)).toBe(there);
});

test("a file without its journal says so, also right after a write-back, and goes on when told to", () => {
  for (const { file: bytes } of copies) expect(open(bytes, undefined)).toContain("is missing");
  const last = copies.at(-1);
  if (last !== undefined) expect(open(last.file, Buffer.alloc(0))).toBe(last.events);
});

test("a file with the journal of a later or an earlier time is refused, or opens with all that the journal ends with", () => {
  let refused = 0;
  for (const [at, one] of copies.entries()) {
    for (const [from, other] of copies.entries()) {
      if (at === from) continue;
      const found = open(one.file, other.journal);
      if (typeof found === "string") {
        refused++;
        expect(found).toContain(from > at ? "is younger than the file" : "is older than the file");
      } else expect(found).toBe(other.events);
    }
  }
  expect(refused).toBeGreaterThan(60);
});

test("one that was closed in order needs no journal, and a copy of it opens", () => {
  file.close();
  expect(existsSync(`${original}-wal`)).toBe(false);
  const copied = join(directory, "closed.sqlite");
  copyFileSync(original, copied);
  expect(openAt(copied)).toBe(events);
});
