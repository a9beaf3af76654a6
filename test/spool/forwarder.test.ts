import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { decideAppend, decideEachOnce } from "../../src/eventstore/embedded/append-rules.ts";
import type { AppendEvents, AppendOutcome, ReadBackwards } from "../../src/intake/event-log.ts";
import { spoolFirst, storeFirst } from "../../src/spool/durability.ts";
import { startForwarder } from "../../src/spool/forwarder.ts";
import type { Spool } from "../../src/spool/spool.ts";
import { memoryLog } from "../intake/memory-log.ts";
import {
  eventOf,
  faultyDisk,
  idsIn,
  opened,
  quiet,
  recordOf,
  scratchDirectory,
  segmentFiles,
} from "./scratch.ts";

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory();
});
afterEach(() => scratch.remove());

/**
 * The log in memory, which fails when `fault` says so. `forgets`: an append to a stream in any state recognises no ids, as
 * with EventStoreDB after its restart.
 */
function storeThat(
  fault: (stream: string, ids: readonly string[]) => AppendOutcome["tag"] | "lost" | undefined,
  memory: "keeps" | "forgets" = "keeps",
) {
  const log = memoryLog(memory === "keeps" ? decideEachOnce : decideAppend);
  const calls: string[][] = [];
  const looks: string[] = [];
  const append: AppendEvents = async (stream, events, expected) => {
    const ids = events.map(({ id }) => id);
    calls.push(ids);
    const failure = fault(stream, ids);
    if (failure !== undefined && failure !== "lost")
      return { tag: failure, reason: "told to" } as AppendOutcome;
    // At the newest revision every id is new.
    const newest = BigInt(log.inStream(stream).length - 1);
    const any = memory === "forgets" && newest >= 0n ? newest : "any";
    const outcome = await log.append(stream, events, expected === "any" ? any : expected);
    return failure === "lost" ? { tag: "unavailable", reason: "the answer was lost" } : outcome;
  };
  async function* readBackwards(...call: Parameters<ReadBackwards>) {
    for await (const event of log.readBackwards(...call)) {
      looks.push(event.id);
      yield event;
    }
  }
  return {
    append,
    readBackwards,
    calls,
    looks,
    held: (stream: string): string[] => log.inStream(stream).map(({ id }) => id),
    all: () => log.events.map(({ id }) => id),
    position: () => log.events.at(-1)?.position ?? 0n,
    /** Somebody else's append, that is not counted among the calls. */
    appendOther: (stream: string, ids: readonly string[]) =>
      log.append(
        stream,
        ids.map((id) => eventOf(id)),
        "any",
      ),
    streams: () => new Set(log.events.map(({ stream }) => stream)).size,
  };
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error("The condition did not come true within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("the forwarder", () => {
  test("drains what waits and what is added meanwhile, each stream in its order", async () => {
    const spool = await opened(scratch.path);
    const add = (n: number) => spool.add(recordOf(`e${n}`, { stream: `s${n % 7}` }));
    for (let n = 0; n < 300; n += 1) await add(n);
    const { append, readBackwards, held } = storeThat(() => undefined);
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    for (let n = 300; n < 350; n += 1) await add(n);
    await until(() => spool.stats().waiting === 0);
    for (let s = 0; s < 7; s += 1) {
      const expected = Array.from({ length: 350 }, (_, n) => n).filter((n) => n % 7 === s);
      expect(held(`s${s}`)).toEqual(expected.map((n) => `e${n}`));
    }
    await forwarder.stop();
    await spool.close();
  });

  test("sends the same ids again until they are taken, and stores each once", async () => {
    const spool = await opened(scratch.path);
    for (let n = 0; n < 40; n += 1) await spool.add(recordOf(`e${n}`, { stream: `s${n % 3}` }));
    let n = 0;
    const { append, readBackwards, all } = storeThat(() => {
      n += 1;
      return n % 2 === 0 ? undefined : n % 3 === 0 ? "lost" : "unavailable";
    });
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect(all().sort()).toEqual(Array.from({ length: 40 }, (_, n) => `e${n}`).sort());
    await forwarder.stop();
    await spool.close();
  });

  test("stores nothing twice in a store that has forgotten the ids it holds", async () => {
    const spool = await opened(scratch.path);
    let n = 0;
    const { append, readBackwards, all } = storeThat(() => {
      n += 1;
      return n % 2 === 0 ? undefined : "lost";
    }, "forgets");
    for (let e = 0; e < 12; e += 1) await spool.add(recordOf(`e${e}`, { stream: `s${e % 8}` }));
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect(all().sort()).toEqual(Array.from({ length: 12 }, (_, e) => `e${e}`).sort());
    await forwarder.stop();
    await spool.close();
  });

  test("stopped in the middle, it begins again where the event store's word ends", async () => {
    const spool = await opened(scratch.path);
    for (let n = 0; n < 20; n += 1) await spool.add(recordOf(`e${n}`));
    const first = storeThat((stream) => (stream.endsWith("e7") ? "unavailable" : undefined));
    const forwarder = startForwarder({ spool, ...first, log: quiet });
    await until(() => first.streams() === 19);
    await forwarder.stop();
    await spool.close();
    const again = await opened(scratch.path);
    // What is behind it has drained, and is looked for.
    expect(again.stats().waiting).toBe(13);
    const second = storeThat(() => undefined);
    const next = startForwarder({ spool: again, ...second, log: quiet });
    await until(() => again.stats().waiting === 0);
    expect(second.streams()).toBe(13);
    await next.stop();
    await again.close();
  });

  test("sorts out events of which some are there already", async () => {
    const spool = await opened(scratch.path);
    const { append, readBackwards, held } = storeThat(() => undefined);
    await append("s", [eventOf("a")], "any");
    await append("t", [eventOf("x")], "any");
    for (const id of ["a", "b", "c"]) await spool.add(recordOf(id, { stream: "s" }));
    await spool.add({ stream: "t", events: [eventOf("x"), eventOf("y")] });
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect(held("s")).toEqual(["a", "b", "c"]);
    expect(held("t")).toEqual(["x", "y"]);
    expect(forwarder.stats()).toMatchObject({ forwarded: 4, refused: 0 });
    await forwarder.stop();
    await spool.close();
  });

  test("stores nothing twice that senders repeat, before or among what waits", async () => {
    const spool = await opened(scratch.path);
    const { append, readBackwards, held, calls } = storeThat(() => undefined);
    await append("s", [eventOf("b")], "any");
    // The repeat stands behind a new one, where a store does not look for it.
    for (const id of ["a", "b", "c", "a"]) await spool.add(recordOf(id, { stream: "s" }));
    for (const id of ["x", "y", "x"]) await spool.add(recordOf(id, { stream: "t" }));
    await spool.add({ stream: "u", events: [eventOf("m"), eventOf("n")] });
    await append("u", [eventOf("n")], "any");
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect(held("s")).toEqual(["b", "a", "c"]);
    expect(held("t")).toEqual(["x", "y"]);
    expect(held("u")).toEqual(["n", "m"]);
    // A stream's records go together.
    expect(calls.filter(([first]) => first === "x")).toEqual([["x", "y"]]);
    await forwarder.stop();
    await spool.close();
  });

  test("stores nothing twice where another writer comes in between, and where answers are lost", async () => {
    const spool = await opened(scratch.path);
    let n = 0;
    const { append, readBackwards, held, appendOther } = storeThat((_, ids) => {
      n += 1;
      if (ids.length > 1 && n < 9) {
        void appendOther("s", [`other${n}`, ...(n === 5 ? ["e7"] : [])]);
      }
      return n % 3 === 0 ? "lost" : undefined;
    });
    for (let e = 0; e < 30; e += 1) await spool.add(recordOf(`e${e}`, { stream: "s" }));
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    const stored = held("s");
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored.filter((id) => id.startsWith("e")).length).toBe(30);
    expect(forwarder.stats().forwarded).toBe(30);
    await forwarder.stop();
    await spool.close();
  });

  test("sends many of one stream in one append, and looks for none that it sent and saw acknowledged", async () => {
    const spool = await opened(scratch.path);
    for (let n = 0; n < 400; n += 1) await spool.add(recordOf(`e${n}`, { stream: `s${n % 4}` }));
    const { append, readBackwards, held, calls, looks } = storeThat(() => undefined);
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect([held("s0"), held("s1")].map((ids) => ids.length)).toEqual([100, 100]);
    expect(calls.length).toBeLessThan(40);
    expect(looks).toEqual([]);
    await forwarder.stop();
    await spool.close();
  });

  test("after a restart looks for what waited, back to what was stored before it was spooled", async () => {
    const spool = await opened(scratch.path);
    const store = storeThat(() => undefined, "forgets");
    for (let n = 0; n < 500; n += 1) await store.append("s", [eventOf(`old${n}`)], "any");
    const known = String(store.position());
    for (const id of ["a", "b"]) await spool.add({ ...recordOf(id, { stream: "s" }), after: known });
    // Stored by a process that was killed before it could note so.
    await store.append("s", [eventOf("a")], "any");
    await spool.close();
    const again = await opened(scratch.path);
    for (const id of ["c", "d"]) await again.add({ ...recordOf(id, { stream: "s" }), after: known });
    const forwarder = startForwarder({ spool: again, ...store, log: quiet });
    await until(() => again.stats().waiting === 0);
    expect(store.held("s").slice(500)).toEqual(["a", "b", "c", "d"]);
    expect(store.looks).toEqual(["a", "old499"]);
    await forwarder.stop();
    await again.close();
  });

  test("lets no project wait behind another's backlog", async () => {
    const spool = await opened(scratch.path);
    const many = Array.from({ length: 40_000 }, (_, n) => recordOf(`e${n}`, { stream: `incident-big.${n}` }));
    await Promise.all(many.map((record) => spool.add(record)));
    await spool.add(recordOf("small", { stream: "incident-small.1" }));
    const { append, readBackwards, calls } = storeThat(() => undefined);
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => calls.some(([id]) => id === "small"));
    expect(calls.findIndex(([id]) => id === "small")).toBeLessThan(200);
    expect(spool.holds("incident-other.1")).toBe(false);
    await forwarder.stop();
    await spool.close();
  }, 30_000);

  test("sets aside what the store refuses for ever, and goes on", async () => {
    const spool = await opened(scratch.path);
    for (const id of ["a", "bad", "c"]) await spool.add(recordOf(id));
    const { append, readBackwards, all } = storeThat((stream) =>
      stream.endsWith("bad") ? "too_large" : undefined,
    );
    const forwarder = startForwarder({ spool, append, readBackwards, log: quiet });
    await until(() => spool.stats().waiting === 0);
    expect(all()).toEqual(["a", "c"]);
    expect(forwarder.stats().refused).toBe(1);
    const kept = JSON.parse(readFileSync(join(scratch.path, "refused.ndjson"), "utf8"));
    expect(kept).toEqual({ reason: "too_large", ...recordOf("bad") });
    await forwarder.stop();
    await spool.close();
  });

  test("what was set aside counts as used room, after a restart too, until somebody takes it away", async () => {
    const maxBytes = 60_000;
    const refuseAll = storeThat(() => "too_large");
    const fill = async (spool: Spool): Promise<number> => {
      for (let n = 0; ; n += 1) {
        const outcome = await spool.add(recordOf(`bad-${n}`, { text: "x".repeat(1_000) }));
        if (outcome === "full") return n;
      }
    };
    const spool = await opened(scratch.path, { maxBytes, segmentBytes: 4_000 });
    const forwarder = startForwarder({ spool, ...refuseAll, log: quiet });
    let taken = 0;
    for (let added = -1; added !== 0; taken += added) {
      added = await fill(spool);
      await until(() => spool.stats().waiting === 0);
    }
    const file = join(scratch.path, "refused.ndjson");
    const usedBytes = readdirSync(scratch.path).reduce(
      (sum, name) => sum + statSync(join(scratch.path, name)).size,
      0,
    );
    expect(readFileSync(file, "utf8").split("\n").filter(Boolean)).toHaveLength(taken);
    expect(taken).toBeGreaterThan(30);
    // What is on its way from one file to the other lies in both for a moment.
    expect(usedBytes).toBeLessThan(2 * maxBytes);
    await forwarder.stop();
    await spool.close();

    const again = await opened(scratch.path, { maxBytes, segmentBytes: 4_000 });
    expect(again.stats().bytes).toBeGreaterThanOrEqual(statSync(file).size);
    // What the last segment held had drained, so that its room is free.
    expect(await fill(again)).toBeLessThan(4);
    unlinkSync(file);
    const next = startForwarder({ spool: again, ...refuseAll, log: quiet });
    await until(() => again.stats().bytes < maxBytes / 2);
    expect(await again.add(recordOf("good"))).toBe("spooled");
    await next.stop();
    await again.close();
  }, 30_000);
});

describe("a disk that gives trouble while the spool drains", () => {
  test("costs no record: reading, noting and keeping what is refused are tried again", async () => {
    let trouble = 0;
    const hit = new Set<string>();
    const { disk } = faultyDisk((operation) => {
      if (operation === "write" || operation === "flush" || operation === "create" || trouble === 0)
        return undefined;
      trouble -= 1;
      hit.add(operation);
      return trouble % 3 === 0 ? undefined : "ENOSPC";
    });
    const spool = await opened(scratch.path, { segmentBytes: 4000 });
    const ids = Array.from({ length: 400 }, (_, n) => `e${n}`);
    for (const id of ids)
      await spool.add(recordOf(id, { stream: `s${id.length}${id === "e77" ? "bad" : ""}` }));
    await spool.close();
    const again = await opened(scratch.path, { segmentBytes: 4000, disk });
    trouble = 24;
    const { append, readBackwards, all } = storeThat((stream) =>
      stream.endsWith("bad") ? "too_large" : undefined,
    );
    const forwarder = startForwarder({ spool: again, append, readBackwards, log: quiet });
    await until(() => again.stats().waiting === 0 && forwarder.stats().refused === 1);
    expect(all().sort()).toEqual(ids.filter((id) => id !== "e77").sort());
    expect([...hit].sort()).toEqual(["append", "read", "replace"]);
    await forwarder.stop();
    await again.close();
  }, 30_000);

  test("a disk too full for the cursor still gets its room back", async () => {
    const { disk } = faultyDisk((operation) => (operation === "replace" ? "ENOSPC" : undefined));
    const spool = await opened(scratch.path, { segmentBytes: 2000, disk });
    for (let n = 0; n < 50; n += 1) await spool.add(recordOf(`e${n}`));
    const before = segmentFiles(scratch.path).length;
    const forwarder = startForwarder({ spool, ...storeThat(() => undefined), log: quiet });
    await until(() => spool.stats().waiting === 0 && segmentFiles(scratch.path).length <= 1);
    expect(before).toBeGreaterThan(3);
    await forwarder.stop();
    await spool.close();
    const again = await opened(scratch.path);
    await again.add(recordOf("new"));
    expect(await idsIn(again)).toContain("new");
    await again.close();
  });
});

describe("store first", () => {
  const keepWith = async (append: AppendEvents, more: { boundMs?: number; maxInFlight?: number } = {}) => {
    const spool = await opened(scratch.path);
    return { spool, keep: storeFirst({ append, spool, boundMs: 50, maxInFlight: 2, ...more }) };
  };

  test("is in the store where the store answers, and the spool stays empty", async () => {
    const { spool, keep } = await keepWith(storeThat(() => undefined).append);
    expect(await keep("s", [eventOf("a")])).toEqual({ tag: "appended", revision: 0n, position: 0n });
    expect(spool.stats().waiting).toBe(0);
    await spool.close();
  });

  test("is on the spool where the store does not answer, refuses now, fails or is overrun", async () => {
    const never: AppendEvents = () => new Promise(() => undefined);
    const throwing: AppendEvents = () => Promise.reject(new Error("broken"));
    for (const append of [storeThat(() => "unavailable").append, throwing, never]) {
      const { spool, keep } = await keepWith(append);
      const before = spool.stats().waiting;
      expect(await keep("s", [eventOf("a")])).toEqual({ tag: "spooled" });
      expect(spool.stats().waiting).toBe(before + 1);
      await spool.close();
    }
    const { spool, keep } = await keepWith(never, { boundMs: 60_000, maxInFlight: 2 });
    void keep("s", [eventOf("b")]);
    expect(await keep("s", [eventOf("c")])).toEqual({ tag: "spooled" });
    await spool.close();
  });

  test("is refused only where the spool is full too, or for its size", async () => {
    const spool = await opened(scratch.path, { maxBytes: 300 });
    const keep = storeFirst({
      append: storeThat(() => "unavailable").append,
      spool,
      boundMs: 50,
      maxInFlight: 9,
    });
    expect((await keep("s", [eventOf("a")])).tag).toBe("spooled");
    expect((await keep("s", [eventOf("b")])).tag).toBe("unavailable");
    const tooLarge = storeFirst({
      append: storeThat(() => "too_large").append,
      spool,
      boundMs: 50,
      maxInFlight: 9,
    });
    expect(await tooLarge("s", [eventOf("c")])).toEqual({ tag: "too_large" });
    await spool.close();
  });
});

describe("spool first", () => {
  test("is on the spool, or unavailable once its disk has failed", async () => {
    let broken = false;
    const { disk } = faultyDisk((operation) => (broken && operation === "flush" ? "EIO" : undefined));
    const spool = await opened(scratch.path, { disk, onFailed: () => undefined });
    const keep = spoolFirst({ spool });
    expect(await keep("s", [eventOf("a")])).toEqual({ tag: "spooled" });
    broken = true;
    expect((await keep("s", [eventOf("b")])).tag).toBe("unavailable");
    await spool.close();
  });
});
