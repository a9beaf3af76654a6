// How far the log goes with what was acknowledged: positions that were told, that nobody told, and of earlier processes.

import { expect, test } from "bun:test";
import { acknowledgedLog } from "../../src/intake/acknowledged-log.ts";
import type { AppendOutcome } from "../../src/intake/event-log.ts";
import { eventOf } from "../spool/scratch.ts";
import { memoryLog } from "./memory-log.ts";

/** What the next append answers, and where the log ends. */
function logThat() {
  let answer: AppendOutcome = { tag: "conflict" };
  let head: (() => Promise<bigint | undefined>) | undefined;
  let asked = 0;
  const log = acknowledgedLog({
    append: async () => answer,
    readBackwards: memoryLog().readBackwards,
    head: async () => {
      asked += 1;
      if (head === undefined) throw new Error("the store is away");
      return head();
    },
  });
  return {
    ...log,
    answers: async (next: AppendOutcome) => {
      answer = next;
      expect(await log.append("incident-p.a", [eventOf("a")], "any")).toEqual(next);
    },
    endsAt: (position: bigint | undefined) => {
      head = async () => position;
    },
    goesAway: () => {
      head = undefined;
    },
    asked: () => asked,
  };
}

test("begins with what the log holds already, and asks for that once", async () => {
  const log = logThat();
  await expect(log.acknowledgedUpTo()).rejects.toThrow("the store is away");
  log.endsAt(40n);
  expect(await log.acknowledgedUpTo()).toBe(40n);
  log.goesAway();
  expect(await log.acknowledgedUpTo()).toBe(40n);
  expect(log.asked()).toBe(2);
});

test("the greatest position that an append told; what was not stored counts for nothing", async () => {
  const log = logThat();
  log.endsAt(undefined);
  expect(await log.acknowledgedUpTo()).toBe(0n);
  await log.answers({ tag: "appended", revision: 0n, position: 9n });
  await log.answers({ tag: "appended", revision: 0n, position: 7n });
  await log.answers({ tag: "unavailable", reason: "no" });
  await log.answers({ tag: "too_large" });
  expect(await log.acknowledgedUpTo()).toBe(9n);
  expect(log.asked()).toBe(1);
});

test("where an append told none, the end of the log, which is asked for once", async () => {
  const log = logThat();
  log.endsAt(1n);
  await log.acknowledgedUpTo();
  await log.answers({ tag: "appended", revision: 0n });
  log.endsAt(20n);
  expect(await Promise.all([log.acknowledgedUpTo(), log.acknowledgedUpTo()])).toEqual([20n, 20n]);
  log.endsAt(30n);
  expect(await log.acknowledgedUpTo()).toBe(20n);
});

test("an append that tells none while the end is being asked for is not taken for covered", async () => {
  const log = logThat();
  log.endsAt(5n);
  const first = log.acknowledgedUpTo();
  await log.answers({ tag: "appended", revision: 0n });
  await first;
  log.endsAt(8n);
  expect(await log.acknowledgedUpTo()).toBe(8n);
});

test("what is found in the log by looking back counts", async () => {
  const memory = memoryLog();
  for (const id of ["a", "b", "c"]) await memory.append(`incident-p.${id}`, [eventOf(id)], "any");
  const log = acknowledgedLog({ ...memory, head: async () => undefined });
  for await (const _ of log.readBackwards("incident-p.b")) break;
  expect(await log.acknowledgedUpTo()).toBe(memory.events[1]?.position as bigint);
});
