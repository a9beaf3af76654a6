// What goes wrong, and when: the seed decides. Knows what can be broken, not what has to hold.

import type { Random } from "../faults/seed.ts";
import type { SenderFaults } from "./senders.ts";
import type { SimulatedDatabase } from "./simulated-database.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { StoreFaults } from "./simulated-store.ts";
import { forEver, type World } from "./world.ts";

export interface Breakable {
  readonly disk: SimulatedDisk;
  readonly store: StoreFaults;
  readonly database: SimulatedDatabase;
  readonly senders: SenderFaults;
  /** Kills the service; `power` takes along what was not flushed. */
  readonly kill: (how: { readonly power: boolean }) => void;
  readonly stop: () => void;
  readonly jumpClock: (ms: number) => void;
}

/** Lets things go wrong for a while; then all is well, and `over` is called. */
export function startChaos(
  world: World,
  broken: Breakable,
  options: { readonly lastsMs: number; readonly bitFlips: boolean; readonly over: () => void },
): void {
  const random = world.random.fork("chaos");
  const later = world.after(forEver, "chaos");
  let isOver = false;

  /** Something is so for a while. */
  const forAWhile = (most: number, begin: () => void, end: () => void): void => {
    begin();
    later(random.below(most), () => isOver || end());
  };
  const { disk, store, database, senders } = broken;
  const happenings: readonly (readonly [number, () => void])[] = [
    [1.5, () => broken.kill({ power: false })],
    [1.5, () => broken.kill({ power: true })],
    [3, () => disk.amidOperation(1 + random.below(20), () => broken.kill({ power: false }))],
    [3, () => disk.amidOperation(1 + random.below(20), () => broken.kill({ power: true }))],
    [1, broken.stop],
    [2, disk.takeAway],
    [
      2,
      () =>
        forAWhile(
          9_000,
          () => setAway(store, true),
          () => setAway(store, false),
        ),
    ],
    [
      2,
      () =>
        forAWhile(
          9_000,
          () => setAway(database.faults, true),
          () => setAway(database.faults, false),
        ),
    ],
    [1, database.crash],
    [
      1,
      () =>
        forAWhile(
          3_000,
          () => setFull(disk, true),
          () => setFull(disk, false),
        ),
    ],
    [
      0.3,
      () =>
        forAWhile(
          2_000,
          () => setFlushFails(disk, 0.5),
          () => setFlushFails(disk, 0),
        ),
    ],
    [1, () => broken.jumpClock((random.next() - 0.5) * 2 * random.pick([1_000, 100_000, 300_000_000]))],
    [3, () => changeWeather(random, [store, senders, database.faults])],
    ...(options.bitFlips
      ? [[4, () => void disk.flipBit(random.pick([".spool", ".spool", "/spool/cursor"]))] as const]
      : []),
  ];
  const total = happenings.reduce((sum, [weight]) => sum + weight, 0);

  const next = (): void => {
    if (isOver) return;
    let drawn = random.next() * total;
    for (const [weight, happen] of happenings) {
      drawn -= weight;
      if (drawn > 0) continue;
      happen();
      break;
    }
    later(20 + 2_000 * random.next() ** 2, next);
  };
  changeWeather(random, [store, senders, database.faults]);
  later(random.below(1_000), next);
  later(options.lastsMs, () => {
    isOver = true;
    setAway(store, false);
    setAway(database.faults, false);
    setFull(disk, false);
    setFlushFails(disk, 0);
    for (const faults of [store, senders, database.faults]) calm(faults);
    options.over();
  });
}

const setAway = (faults: { isAway: boolean }, isAway: boolean): void =>
  void Object.assign(faults, { isAway });
const setFull = ({ faults }: SimulatedDisk, isFull: boolean): void => void Object.assign(faults, { isFull });
const setFlushFails = ({ faults }: SimulatedDisk, flushFails: number): void =>
  void Object.assign(faults, { flushFails });

interface NetworkFaults {
  lost: number;
  late: number;
  twice?: number;
}

const calm = (faults: NetworkFaults): void => {
  faults.lost = 0;
  faults.late = 0;
  if (faults.twice !== undefined) faults.twice = 0;
};

/** Each network is fine, bad or dreadful for a while. */
function changeWeather(random: Random, networks: readonly NetworkFaults[]): void {
  for (const faults of networks) {
    const badness = random.pick([0, 0.02, 0.1, 0.4]);
    faults.lost = badness * random.next();
    faults.late = badness * random.next();
    if (faults.twice !== undefined) faults.twice = badness * random.next();
  }
}
