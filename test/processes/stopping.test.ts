// Ending in order: last first, nobody waits for ever, nobody's failure stops the others.

import { expect, test } from "bun:test";
import { createStopping } from "../../src/processes/stopping.ts";

test("what was opened last is ended first, one after the other", async () => {
  const ended: string[] = [];
  const stopping = createStopping(() => {});
  stopping.add("store", 1_000, () => void ended.push("store"));
  stopping.add("projector", 1_000, async () => {
    await Promise.resolve();
    ended.push("projector");
  });
  stopping.add("http", 1_000, () => void ended.push("http"));
  await stopping.run();
  expect(ended).toEqual(["http", "projector", "store"]);
});

test("a step that fails or never ends is reported, and the others are ended", async () => {
  const ended: string[] = [];
  const problems: string[] = [];
  const stopping = createStopping((name, problem) => void problems.push(`${name}: ${problem}`));
  stopping.add("store", 1_000, () => void ended.push("store"));
  stopping.add("projector", 20, () => new Promise<void>(() => {}));
  stopping.add("http", 1_000, () => Promise.reject(new Error("socket gone")));
  await stopping.run();
  expect(problems).toEqual(["http: socket gone", "projector: not ended within 20 ms"]);
  expect(ended).toEqual(["store"]);
});

test("a second call awaits the first and ends nothing twice", async () => {
  let ended = 0;
  const stopping = createStopping(() => {});
  stopping.add("store", 1_000, () => void ended++);
  await Promise.all([stopping.run(), stopping.run()]);
  await stopping.run();
  expect(ended).toBe(1);
});
