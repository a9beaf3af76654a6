// What waits on the spool: which streams are held, exactly or project by project, and whose turn it is.

import { expect, test } from "bun:test";
import { Backlog } from "../../src/spool/backlog.ts";
import { opened, recordOf, scratchDirectory } from "./scratch.ts";

const place = (project: string, sequence: number) => ({
  project,
  sequence,
  at: sequence,
  offset: 0,
  length: 10,
});
const sequences = (places: readonly { readonly sequence: number }[]) =>
  places.map(({ sequence }) => sequence);

test("a stream is held from its first hold on until its last one has ended", () => {
  const backlog = new Backlog();
  backlog.hold("incident-p.a");
  backlog.hold("incident-p.a");
  backlog.release("incident-p.a");
  expect([backlog.holds("incident-p.a"), backlog.holds("incident-p.b")]).toEqual([true, false]);
  backlog.release("incident-p.a");
  expect(backlog.holds("incident-p.a")).toBe(false);
});

test("beyond the streams that are remembered, the project that holds most is held as a whole, and no other", () => {
  const backlog = new Backlog(5);
  for (const name of ["a", "b", "c", "d"]) backlog.hold(`incident-big.${name}`);
  for (const name of ["a", "b"]) backlog.hold(`incident-small.${name}`);
  expect([backlog.holds("incident-big.other"), backlog.holds("incident-small.other")]).toEqual([true, false]);
  expect(backlog.holds("incident-third.a")).toBe(false);
  for (const name of ["a", "b", "c", "d"]) backlog.release(`incident-big.${name}`);
  expect([backlog.holds("incident-big.other"), backlog.holds("incident-small.a")]).toEqual([false, true]);
});

test("hands out as many of one project as of another, each project's in order, and each once", () => {
  const backlog = new Backlog();
  for (let sequence = 1; sequence <= 10; sequence += 1) backlog.add(place("big", sequence));
  backlog.add(place("small", 11));
  backlog.add(place("small", 12));
  const first = sequences(backlog.take({ records: 4, bytes: 1_000 }));
  expect([...first].sort((a, b) => a - b)).toEqual([1, 2, 11, 12]);
  expect(sequences(backlog.take({ records: 100, bytes: 30 }))).toEqual([3, 4, 5]);
  expect(sequences(backlog.take({ records: 100, bytes: 1_000 }))).toEqual([6, 7, 8, 9, 10]);
  expect(backlog.take({ records: 100, bytes: 1_000 })).toEqual([]);
});

test("knows each project's oldest record that waits, and takes back what could not be read", () => {
  const backlog = new Backlog();
  for (let sequence = 1; sequence <= 6; sequence += 1)
    backlog.add(place(sequence % 2 ? "odd" : "even", sequence));
  const taken = backlog.take({ records: 6, bytes: 1_000 });
  backlog.putBack(taken);
  expect(sequences(backlog.take({ records: 6, bytes: 1_000 })).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  backlog.done({ project: "odd", sequence: 1 });
  backlog.done({ project: "odd", sequence: 5 });
  expect([...backlog.oldest()].sort()).toEqual([
    ["even", 2],
    ["odd", 3],
  ]);
  expect([backlog.waiting, backlog.oldestAt()]).toEqual([4, 2]);
});

test("a spool knows the streams that wait exactly, after a restart too, and what has drained out of turn", async () => {
  const scratch = scratchDirectory();
  const spool = await opened(scratch.path);
  const adding = spool.add(recordOf("e1", { stream: "incident-p.s" }));
  // Before it is on the disk: what follows must not overtake it.
  expect(spool.holds("incident-p.s")).toBe(true);
  await adding;
  await spool.add(recordOf("e2", { stream: "incident-q.t" }));
  const read = await spool.read({ records: 9, bytes: 1 << 20 });
  await spool.acknowledge(read.filter(({ record }) => record.stream === "incident-q.t"));
  await spool.close();
  const again = await opened(scratch.path);
  expect(["incident-p.s", "incident-q.t", "incident-p.u"].map(again.holds)).toEqual([true, false, false]);
  expect(again.stats().waiting).toBe(1);
  await again.close();
  scratch.remove();
});
