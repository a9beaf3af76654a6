// Killed at the Nth system call that changes a file, wherever that is: everything acknowledged is there afterwards, once.
// FAULT_CASE=store:recovery:pwrite64:events.sqlite-wal:17 runs one case alone, FAULT_KILLS=40 fewer of each kind.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSeed } from "./seed.ts";
import { needStrace } from "./strace.ts";
import { chooseKills, Deaths, type Kill } from "./syscalls-plan.ts";
import { placesIn, prepareScenes, type StoreScene, storeRound, storeScenes } from "./syscalls-store.ts";

const random = startSeed("killed at a system call");
const kills = Number(process.env.FAULT_KILLS ?? 210);
let directory = "";

beforeAll(async () => {
  needStrace();
  directory = mkdtempSync(join(tmpdir(), "ledger-syscalls-"));
  await prepareScenes(join(directory, "prepared"));
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test(
  "the embedded event store",
  async () => {
    const deaths = new Deaths("store");
    const missed: string[] = [];
    const round = (scene: StoreScene, kill?: Kill) =>
      storeRound({
        scene,
        prepared: join(directory, "prepared"),
        place: join(directory, "store"),
        ...(kill === undefined ? {} : { kill }),
      });
    for (const scene of storeScenes) {
      const whole = await round(scene);
      expect(whole.problems).toEqual([]);
      const places = placesIn(whole.trace);
      const chosen = chooseKills({ places, wanted: kills / storeScenes.length, random });
      const died = new Set<string>();
      for (const kill of deaths.wanted(scene, chosen)) {
        const one = await round(scene, kill);
        deaths.add(one);
        if (one.death !== undefined) died.add(one.death);
      }
      missed.push(
        ...[...places.keys()].filter((place) => !died.has(place)).map((place) => `${scene}: ${place}`),
      );
    }
    deaths.print();
    expect(deaths.problems()).toEqual([]);
    if (deaths.isWhole()) {
      // Whatever the store does on its disk, it died doing it.
      expect(missed).toEqual([]);
      expect(deaths.count()).toBeGreaterThanOrEqual(kills * 0.9);
    }
  },
  10 * 60_000,
);
