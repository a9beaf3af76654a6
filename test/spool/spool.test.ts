import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import fc from "fast-check";
import type { Disk } from "../../src/spool/disk.ts";
import type { Spool } from "../../src/spool/spool.ts";
import { memoryDisk } from "./memory-disk.ts";
import { faultyDisk, idsIn, opened, quiet, recordOf, scratchDirectory, segmentFiles } from "./scratch.ts";

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory();
});
afterEach(() => scratch.remove());

const names = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `e${n + from}`);
const addAll = (spool: Spool, ids: readonly string[], text = "") =>
  Promise.all(ids.map((id) => spool.add(recordOf(id, { text }))));

describe("the spool", () => {
  test("hands out what was added, in order, now and after it is opened again", async () => {
    const spool = await opened(scratch.path);
    expect(await addAll(spool, names(20))).toEqual(names(20).map(() => "spooled"));
    expect(await idsIn(spool)).toEqual(names(20));
    await spool.close();
    const again = await opened(scratch.path);
    expect(again.stats().waiting).toBe(20);
    expect(await idsIn(again)).toEqual(names(20));
    await again.close();
  });

  test("keeps events byte for byte, whatever text they hold", async () => {
    const spool = await opened(scratch.path);
    const text = '\u0000 \ud800 "quotes" \\ \n ü 漢 😀';
    await spool.add(recordOf("odd", { text }));
    const [spooled] = await spool.read({ records: 1, bytes: 1 });
    expect(spooled?.record).toEqual(recordOf("odd", { text }));
    await spool.close();
  });

  test("does not hand out what was acknowledged, also after it is opened again", async () => {
    const spool = await opened(scratch.path);
    await addAll(spool, names(10));
    const first = await spool.read({ records: 4, bytes: 1 << 20 });
    await spool.acknowledge(first);
    await spool.close();
    const again = await opened(scratch.path);
    expect(again.stats().waiting).toBe(6);
    expect(await idsIn(again)).toEqual(names(6, 4));
    await addAll(again, ["new"]);
    expect(await idsIn(again)).toEqual(["new"]);
    await again.close();
  });

  test("after a restart hands out all that waits, however much before it was acknowledged", async () => {
    const spool = await opened(scratch.path);
    await addAll(spool, names(40), "x".repeat(100_000));
    const first = await spool.read({ records: 30, bytes: 1 << 30 });
    expect(first.length).toBe(30);
    await spool.acknowledge(first);
    await spool.close();
    const again = await opened(scratch.path);
    expect(await idsIn(again)).toEqual(names(10, 30));
    expect(again.stats().waiting).toBe(10);
    expect(segmentFiles(scratch.path).length).toBe(1);
    await again.close();
  });

  test("without its cursor it hands out everything again, and loses nothing", async () => {
    const spool = await opened(scratch.path);
    await addAll(spool, names(5));
    const read = await spool.read({ records: 3, bytes: 1 << 20 });
    await spool.acknowledge(read);
    await spool.close();
    writeFileSync(join(scratch.path, "cursor"), "99 00000000\n");
    const again = await opened(scratch.path);
    expect(await idsIn(again)).toEqual(names(5));
    await again.close();
  });

  test("removes segments whose records are all acknowledged", async () => {
    const spool = await opened(scratch.path, { segmentBytes: 2000 });
    for (const id of names(30)) await spool.add(recordOf(id));
    expect(segmentFiles(scratch.path).length).toBeGreaterThan(3);
    const all = await spool.read({ records: 30, bytes: 1 << 20 });
    expect(all.length).toBe(30);
    await spool.acknowledge(all);
    expect(segmentFiles(scratch.path).length).toBeLessThan(2);
    expect(spool.stats()).toMatchObject({ waiting: 0, oldestAt: undefined });
    await spool.close();
  });

  test("one flush covers all that wait", async () => {
    const { disk, flushes } = faultyDisk(() => undefined);
    const spool = await opened(scratch.path, { disk });
    await addAll(spool, names(500));
    expect(flushes()).toBeLessThan(10);
    expect(await idsIn(spool)).toEqual(names(500));
    await spool.close();
  });
});

describe("room", () => {
  test("a full spool says so, and takes more once it has drained", async () => {
    const spool = await opened(scratch.path, { maxBytes: 4000, segmentBytes: 1000 });
    const outcomes = await addAll(spool, names(50));
    const kept = outcomes.filter((outcome) => outcome === "spooled").length;
    expect(kept).toBeGreaterThan(5);
    expect(outcomes.slice(kept).every((outcome) => outcome === "full")).toBe(true);
    expect(spool.stats().bytes).toBeLessThanOrEqual(4000);
    const all = await spool.read({ records: 100, bytes: 1 << 20 });
    expect(all.length).toBe(kept);
    await spool.acknowledge(all);
    expect(await spool.add(recordOf("after"))).toBe("spooled");
    await spool.close();
  });

  test("a disk without room refuses, keeps no half record, and works again unaided", async () => {
    let noRoom = false;
    const { disk } = faultyDisk((operation) => (noRoom && operation === "write" ? "ENOSPC" : undefined));
    const spool = await opened(scratch.path, { disk });
    await addAll(spool, ["a", "b"]);
    const [path = ""] = segmentFiles(scratch.path);
    const before = statSync(path).size;
    noRoom = true;
    expect(await spool.add(recordOf("c", { text: "x".repeat(5000) }))).toBe("full");
    expect(spool.stats().state).toBe("full");
    expect(statSync(path).size).toBe(before);
    noRoom = false;
    expect(await spool.add(recordOf("d"))).toBe("spooled");
    expect(spool.stats().state).toBe("working");
    expect(await idsIn(spool)).toEqual(["a", "b", "d"]);
    await spool.close();
    const again = await opened(scratch.path);
    expect(await idsIn(again)).toEqual(["a", "b", "d"]);
    await again.close();
  });

  test("a disk that the spool itself has filled has room again once all is drained", async () => {
    let room = 8_000;
    const { disk } = faultyDisk(() => undefined);
    const small: Disk = {
      ...disk,
      create: async (path) => {
        const file = await disk.create(path);
        return {
          ...file,
          write: async (bytes, at) => {
            if (bytes.length > room) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
            room -= bytes.length;
            await file.write(bytes, at);
          },
        };
      },
      remove: async (path) => {
        room += statSync(path).size;
        await disk.remove(path);
      },
    };
    const spool = await opened(scratch.path, { disk: small });
    const outcomes: string[] = [];
    for (const id of names(40)) outcomes.push(await spool.add(recordOf(id)));
    const kept = outcomes.filter((outcome) => outcome === "spooled").length;
    expect(kept).toBeGreaterThan(10);
    expect(outcomes.at(-1)).toBe("full");
    const all = await spool.read({ records: 100, bytes: 1 << 20 });
    expect(all.length).toBe(kept);
    await spool.acknowledge(all);
    // The first one finds the disk full and makes room for those behind it.
    const again = [await spool.add(recordOf("first")), await spool.add(recordOf("second"))];
    expect(again).toEqual(["full", "spooled"]);
    expect(await idsIn(spool)).toEqual(["second"]);
    await spool.close();
  });

  test("a disk without room for a new segment refuses, and works again unaided", async () => {
    let noRoom = true;
    const { disk } = faultyDisk((operation) => (noRoom && operation === "create" ? "ENOSPC" : undefined));
    const spool = await opened(scratch.path, { disk });
    expect(await spool.add(recordOf("a"))).toBe("full");
    noRoom = false;
    expect(await spool.add(recordOf("b"))).toBe("spooled");
    expect(await idsIn(spool)).toEqual(["b"]);
    await spool.close();
  });
});

describe("a disk that fails", () => {
  for (const operation of ["flush", "write"] as const) {
    test(`in ${operation} is never trusted again: nothing more is acknowledged, and it says so once`, async () => {
      let broken = false;
      const { disk } = faultyDisk((tried) => (broken && tried === operation ? "EIO" : undefined));
      const failures: unknown[] = [];
      const spool = await opened(scratch.path, { disk, onFailed: (error) => failures.push(error) });
      expect(await spool.add(recordOf("a"))).toBe("spooled");
      broken = true;
      expect(await addAll(spool, ["b", "c"])).toEqual(["failed", "failed"]);
      broken = false;
      expect(await spool.add(recordOf("d"))).toBe("failed");
      expect(failures.length).toBe(1);
      expect(spool.stats().state).toBe("failed");
      await spool.close();
      const again = await opened(scratch.path);
      expect(await idsIn(again)).toContain("a");
      await again.close();
    });
  }
});

const place = "/spool";

/** A spool of five records in one segment, as bytes, and where each record ends. */
async function fiveRecords(): Promise<{
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  readonly path: string;
}> {
  const disk = memoryDisk();
  const spool = await opened(place, { disk });
  const ends: number[] = [];
  for (const id of names(5)) {
    await spool.add(recordOf(id));
    ends.push(spool.stats().bytes);
  }
  await spool.close();
  const [[path, bytes] = ["", Buffer.alloc(0)]] = disk.files;
  return { bytes, ends, path };
}

describe("a torn tail", () => {
  test("cut at any byte of the last three records: it opens, every whole record is there, adding goes on", async () => {
    const { bytes, ends, path } = await fiveRecords();
    for (let length = ends[1] ?? 0; length <= bytes.length; length += 1) {
      const disk = memoryDisk(new Map([[path, bytes.subarray(0, length)]]));
      const whole = ends.filter((end) => end <= length).length;
      const spool = await opened(place, { disk });
      expect(await spool.add(recordOf("new"))).toBe("spooled");
      expect(await idsIn(spool)).toEqual([...names(whole), "new"]);
      expect(spool.stats().damaged).toBe(0);
      await spool.close();
      const again = await opened(place, { disk });
      expect(await idsIn(again)).toEqual([...names(whole), "new"]);
      await again.close();
    }
  });

  test("on a real disk is cut off as well", async () => {
    const { bytes, ends, path } = await fiveRecords();
    const file = join(scratch.path, basename(path));
    writeFileSync(file, bytes.subarray(0, bytes.length - 10));
    const spool = await opened(scratch.path);
    expect(await idsIn(spool)).toEqual(names(4));
    expect(statSync(file).size).toBe(ends[3] ?? 0);
    await spool.close();
  });

  test("of zeros, as a power cut leaves it, is cut off too", async () => {
    const { bytes, path } = await fiveRecords();
    const disk = memoryDisk(new Map([[path, Buffer.concat([bytes, Buffer.alloc(4096)])]]));
    const spool = await opened(place, { disk });
    expect(await idsIn(spool)).toEqual(names(5));
    expect(disk.files.get(path)?.length).toBe(bytes.length);
    await spool.close();
  });
});

describe("a flipped bit", () => {
  for (const victim of [0, 2, 4]) {
    test(`anywhere in record ${victim + 1} of 5 is noticed, reported and set aside, never handed out`, async () => {
      const { bytes, ends, path } = await fiveRecords();
      const start = ends[victim - 1] ?? 0;
      const end = ends[victim] ?? 0;
      const rest = names(5).filter((_, index) => index !== victim);
      for (let bit = start * 8; bit < end * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const disk = memoryDisk(new Map([[path, flipped]]));
        const reports: object[] = [];
        const log = { ...quiet, error: (fields: object) => void reports.push(fields) };
        const spool = await opened(place, { disk, log });
        await spool.add(recordOf("new"));
        expect(await idsIn(spool)).toEqual([...rest, "new"]);
        expect(spool.stats().damaged).toBe(1);
        expect(reports.length).toBe(1);
        const aside = [...disk.files].filter(([name]) => name.endsWith(".damaged")).map(([, kept]) => kept);
        expect(Buffer.concat(aside).equals(flipped.subarray(start, end))).toBe(true);
        await spool.close();
      }
    });
  }

  test("in the last record that waits lets the spool count as drained", async () => {
    const { bytes, ends, path } = await fiveRecords();
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8((ends[3] ?? 0) + 30) ^ 1, (ends[3] ?? 0) + 30);
    const spool = await opened(place, { disk: memoryDisk(new Map([[path, flipped]])) });
    const all = await spool.read({ records: 10, bytes: 1 << 20 });
    await spool.acknowledge(all);
    expect(await spool.read({ records: 10, bytes: 1 << 20 })).toEqual([]);
    expect(spool.stats()).toMatchObject({ waiting: 0, damaged: 1 });
    await spool.add(recordOf("new"));
    expect(await idsIn(spool)).toEqual(["new"]);
    await spool.close();
  });
});

describe("whatever happens", () => {
  test("every acknowledged record is handed out until it is acknowledged in turn, in order, once a run", async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          add: fc.integer({ min: 1, max: 12 }),
          size: fc.integer({ min: 0, max: 900 }),
        }),
      },
      { weight: 3, arbitrary: fc.record({ drain: fc.integer({ min: 1, max: 15 }) }) },
      { weight: 1, arbitrary: fc.constant({ crash: true as const }) },
      { weight: 1, arbitrary: fc.record({ tear: fc.integer({ min: 1, max: 60 }) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        run += 1;
        let directory = join(scratch.path, `run${run}`);
        let spool = await opened(directory, { segmentBytes: 3000 });
        let waiting: string[] = [];
        let count = 0;
        let copies = 0;
        for (const now of steps) {
          if ("add" in now) {
            const ids = names(now.add, count);
            count += now.add;
            expect(await addAll(spool, ids, "y".repeat(now.size))).toEqual(ids.map(() => "spooled"));
            waiting.push(...ids);
          } else if ("drain" in now) {
            const spooled = await spool.read({ records: now.drain, bytes: 1 << 20 });
            const ids = spooled.map(({ record }) => record.events[0]?.id ?? "");
            expect(ids).toEqual(waiting.slice(0, ids.length));
            if (waiting.length > 0) expect(ids.length).toBeGreaterThan(0);
            await spool.acknowledge(spooled);
            waiting = waiting.slice(ids.length);
          } else {
            // What a kill leaves: the files as they are, opened by another process; `tear` adds half a record.
            copies += 1;
            const copy = `${directory}-${copies}`;
            mkdirSync(copy);
            for (const path of segmentFiles(directory)) copyFileSync(path, join(copy, basename(path)));
            const cursor = join(directory, "cursor");
            if (statSync(cursor, { throwIfNoEntry: false })) copyFileSync(cursor, join(copy, "cursor"));
            const newest = segmentFiles(copy).at(-1);
            if ("tear" in now && newest !== undefined) {
              const bytes = readFileSync(newest);
              writeFileSync(
                newest,
                Buffer.concat([bytes, bytes.subarray(0, Math.min(now.tear, bytes.length - 1))]),
              );
            }
            await spool.close();
            directory = copy;
            spool = await opened(directory, { segmentBytes: 3000 });
          }
        }
        expect(await idsIn(spool)).toEqual(waiting);
        await spool.close();
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
