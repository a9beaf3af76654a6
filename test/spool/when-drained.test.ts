// Waiting until a project's records have left the spool, and that nothing acknowledged lies beyond what is waited for.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { durableParts, openDurableAppends } from "../../src/durable-appends.ts";
import { acknowledgedLog } from "../../src/intake/acknowledged-log.ts";
import type { AppendEvents, AppendOutcome } from "../../src/intake/event-log.ts";
import type { After } from "../../src/spool/timer.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { eventOf, opened, quiet, recordOf, scratchDirectory, segmentFiles } from "./scratch.ts";

let scratch: ReturnType<typeof scratchDirectory>;
beforeEach(() => {
  scratch = scratchDirectory();
});
afterEach(() => scratch.remove());

const all = { records: 100, bytes: 1 << 20 };
/** Whether it has been answered by now, and how. */
async function stateOf(waiting: Promise<boolean>): Promise<boolean | "waits"> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([waiting, Promise.resolve("waits" as const)]);
}

describe("a project's records", () => {
  test("are waited for, those that were there, whatever comes later or is of others", async () => {
    const spool = await opened(scratch.path);
    expect(await spool.whenDrained("a", 60_000)).toBe(true);
    for (const stream of ["incident-a.1", "incident-b.1", "quarantine-a", "incident-a.2"])
      await spool.add(recordOf(stream, { stream }));
    const waiting = spool.whenDrained("a", 60_000);
    const ofOthers = spool.whenDrained("b", 60_000);
    expect(await spool.whenDrained("c", 60_000)).toBe(true);
    await spool.add(recordOf("later", { stream: "incident-a.1" }));
    const [first, other, quarantined, second] = await spool.read(all);
    if (first === undefined || other === undefined || quarantined === undefined || second === undefined)
      throw new Error("Four were added");
    const ofA = [first, other, quarantined, second].filter(({ record }) => !record.stream.includes("-b"));
    const ofB = [first, other, quarantined, second].filter(({ record }) => record.stream.includes("-b"));
    await spool.acknowledge(ofA.slice(0, -1));
    expect([await stateOf(waiting), await stateOf(ofOthers)]).toEqual(["waits", "waits"]);
    await spool.acknowledge(ofB);
    expect([await stateOf(waiting), await stateOf(ofOthers)]).toEqual(["waits", true]);
    await spool.acknowledge(ofA.slice(-1));
    expect(await stateOf(waiting)).toBe(true);
    expect(spool.stats().waiting).toBe(1);
    await spool.close();
  });

  test("are waited for so long, and not beyond the end", async () => {
    const timers: (() => void)[] = [];
    const after: After = (ms, then) => {
      if (ms === 7_000) timers.push(then);
      return () => undefined;
    };
    const spool = await opened(scratch.path, { after });
    await spool.add(recordOf("a"));
    const late = spool.whenDrained("p", 7_000);
    const ended = spool.whenDrained("p", 60_000);
    expect(await stateOf(late)).toBe("waits");
    for (const then of timers) then();
    expect([await stateOf(late), await stateOf(ended)]).toEqual([false, "waits"]);
    await spool.close();
    expect(await ended).toBe(false);
    expect(await spool.whenDrained("p", 60_000)).toBe(false);
  });

  test("that are damaged are waited for by nobody", async () => {
    const spool = await opened(scratch.path);
    await spool.add(recordOf("a"));
    const [file = ""] = segmentFiles(scratch.path);
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 1, bytes.length - 3);
    writeFileSync(file, bytes);
    const waiting = spool.whenDrained("p", 60_000);
    expect(await spool.read(all)).toEqual([]);
    expect(await stateOf(waiting)).toBe(true);
    await spool.close();
  });
});

type Fault = "none" | "untold" | "lost" | "unavailable" | "unsent";
const faults: readonly Fault[] = ["none", "none", "none", "untold", "lost", "unavailable", "unsent"];

/** A log in memory, whose appends meet these faults one after the other, again and again. */
function faultyLog(plan: readonly Fault[]) {
  const memory = memoryLog();
  let calls = 0;
  const append: AppendEvents = async (...call): Promise<AppendOutcome> => {
    const fault = plan[calls++ % plan.length] ?? "none";
    if (fault === "unsent") return { tag: "unavailable", reason: fault, unsent: true };
    if (fault === "unavailable") return { tag: "unavailable", reason: fault };
    const outcome = await memory.append(...call);
    if (fault === "lost") return { tag: "unavailable", reason: fault };
    return fault === "untold" && outcome.tag === "appended"
      ? { tag: "appended", revision: outcome.revision }
      : outcome;
  };
  return { ...memory, append, head: async () => memory.events.at(-1)?.position };
}

describe("whatever the store does", () => {
  test("all that was acknowledged lies at or before the position that is waited for", async () => {
    const step = fc.record({
      project: fc.constantFrom("p", "q"),
      incident: fc.nat(2),
      id: fc.nat(30),
      asks: fc.boolean(),
    });
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("store" as const, "spool" as const),
        fc
          .array(fc.constantFrom(...faults), { minLength: 1, maxLength: 9 })
          .map((plan) => [...plan, "none" as const]),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        async (ack, plan, steps) => {
          const directory = scratchDirectory();
          const memory = faultyLog(plan);
          const log = acknowledgedLog(memory);
          const stops: (() => unknown)[] = [];
          const durable = await openDurableAppends({
            config: { ack, spoolMaxBytes: 1 << 30 },
            dataDir: directory.path,
            ...log,
            head: memory.head,
            parts: durableParts,
            log: quiet,
            stopping: { add: (_name, _boundMs, stop) => stops.unshift(stop) },
            onFailed: (reason) => {
              throw new Error(reason);
            },
          });
          const acknowledged: { readonly project: string; readonly id: string }[] = [];
          await Promise.all(
            steps.map(async ({ project, incident, id, asks }) => {
              const stream = `incident-${project}.${incident}`;
              const event = eventOf(`${stream}.${id}`);
              const { tag } = await durable.append(stream, [event], "any");
              expect(["appended", "spooled"]).toContain(tag);
              acknowledged.push({ project, id: event.id });
              if (!asks) return;
              const ids = acknowledged.filter((one) => one.project === project).map((one) => one.id);
              expect(await durable.whenDrained(project, 20_000)).toBe(true);
              const upTo = await log.acknowledgedUpTo();
              asked += 1;
              for (const wanted of ids)
                expect(memory.events.find((stored) => stored.id === wanted)?.position).toBeLessThanOrEqual(
                  upTo,
                );
            }),
          );
          for (const stop of stops) await stop();
          directory.remove();
        },
      ),
      { numRuns: 40 },
    );
    expect(asked).toBeGreaterThan(40);
  }, 120_000);
});
