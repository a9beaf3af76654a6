// Killed at the Nth system call that changes a file, wherever that is: everything acknowledged is there afterwards, once.
// FAULT_CASE=store:recovery:pwrite64:events.sqlite-wal:17 runs one case alone; FAULT_KILLS=40 makes fewer of each kind.

import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { isShortened, onlyCase, setting } from "../gate/run-settings.ts";
import { needStrace } from "./strace.ts";
import {
  chooseKills,
  Deaths,
  type Died,
  type Kill,
  missedPlaces,
  nameOf,
  type Place,
} from "./syscalls-plan.ts";
import { type Servers, serviceRound, serviceScenes, startOutliving } from "./syscalls-service.ts";
import { prepareScenes, storeRound, storeScenes } from "./syscalls-store.ts";

const { random, test } = reportedTests(import.meta.path);
/** A life and death of the service takes longer. */
const kills = {
  store: setting("FAULT_KILLS", 340),
  service: setting("FAULT_KILLS", 120),
};
let died = 0;
let directory = "";
let servers: Servers;

beforeAll(async () => {
  needStrace();
  directory = mkdtempSync(join(tmpdir(), "ledger-syscalls-"));
  await prepareScenes(join(directory, "prepared"));
  servers = await startOutliving(kills.service + 60);
}, 120_000);
afterAll(async () => {
  await servers.remove();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

test(
  "the embedded event store",
  async (report) => {
    const prepared = join(directory, "prepared");
    const place = join(directory, "store");
    await dieEverywhere({ report, target: "store", scenes: storeScenes }, (scene, kill) =>
      storeRound({ scene, prepared, place, kill }),
    );
  },
  25 * 60_000,
);

test(
  "the service, with ACK=spool",
  (report) =>
    dieEverywhere({ report, target: "service", scenes: serviceScenes }, (scene, kill) =>
      serviceRound({ scene, servers, kill }),
    ),
  25 * 60_000,
);

test("as many deaths in all as were asked for, but for one in four that comes too late", (report) => {
  const wanted = onlyCase() === undefined ? kills.store + kills.service : 0;
  report.tried({ deaths: wanted });
  report.found({ deaths: died });
  expect(died).toBeGreaterThanOrEqual(Math.floor(wanted * 0.75));
  // Without any limit of a developer's: what the README promises.
  if (!isShortened()) expect(died).toBeGreaterThanOrEqual(400);
});

/** Each scene once without a fault, to see what it does on the disk, and then with a death in each of these places. */
async function dieEverywhere<Scene extends string>(
  {
    report,
    target,
    scenes,
  }: {
    readonly report: Report;
    readonly target: keyof typeof kills;
    readonly scenes: readonly Scene[];
  },
  round: (scene: Scene, kill: Kill | undefined) => Promise<Died & { places: ReadonlyMap<string, Place> }>,
): Promise<void> {
  const deaths = new Deaths(target);
  const missed: string[] = [];
  const startedAt = performance.now();
  for (const scene of scenes) {
    if (!deaths.concerns(scene)) continue;
    const whole = await round(scene, undefined);
    expect(whole.problems).toEqual([]);
    const chosen = chooseKills({
      places: whole.places,
      wanted: Math.ceil(kills[target] / scenes.length),
      random,
    });
    const diedIn: string[] = [];
    const dieAt = async (some: readonly Kill[]): Promise<void> => {
      for (const kill of deaths.wanted(scene, some)) {
        const one = await round(scene, kill);
        deaths.add(one);
        if (one.death !== undefined) diedIn.push(one.death);
      }
    };
    await dieAt(chosen);
    // Whichever thread comes by, the first time is always come to.
    for (let tries = 0; tries < 3 && deaths.isWhole(); tries++)
      await dieAt(missedPlaces(whole.places, diedIn).map(({ call, file }) => ({ call, file, n: 1 })));
    missed.push(...missedPlaces(whole.places, diedIn).map((place) => `${scene}: ${nameOf(place)}`));
  }
  deaths.print();
  console.log(
    `  in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; never died in: ${missed.join(", ") || "-"}`,
  );
  report.tried({ kills: kills[target] });
  report.found({
    deaths: deaths.count(),
    acknowledged: deaths.acknowledged(),
    problems: deaths.problems(),
    missed,
  });
  expect(deaths.problems()).toEqual([]);
  if (!deaths.isWhole()) return;
  // Each death costs what was acknowledged before it nothing; without any there would be nothing to lose.
  expect(deaths.acknowledged()).toBeGreaterThan(deaths.count());
  // Whatever it does on its disk, it died doing it.
  expect(missed).toEqual([]);
  // A life that ends before its Nth call comes is no death: how many there are depends on how much was flushed together.
  expect(deaths.count()).toBeGreaterThanOrEqual(kills[target] * 0.75);
  died += deaths.count();
}
