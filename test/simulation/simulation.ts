// One run of the simulation: the service's core and its senders in a world of faults, from one seed. It is killed and
// started again and again; after each death, after each start, and when all faults are over, what there is is compared
// with the model.

import { type Instant, instantFromEpochMs } from "../../src/domain/instant.ts";
import type { RecordOutcome } from "../../src/intake/record-webhook.ts";
import type { Random } from "../faults/seed.ts";
import { startChaos } from "./chaos.ts";
import { type Seen, wrongAtRest, wrongAtTheEnd } from "./ledger-check.ts";
import { createPromises, noteAnswer, noteReceipt, noteRecord } from "./promises.ts";
import { startSenders } from "./senders.ts";
import { type DamagedPiece, type Mutation, type Service, type Setup, startService } from "./service.ts";
import { createDatabase, type DatabaseLie } from "./simulated-database.ts";
import { createDisk, type DiskLie } from "./simulated-disk.ts";
import { createStore } from "./simulated-store.ts";
import { tablesCheck } from "./tables-check.ts";
import { createWorld, forEver, type Life } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly webhooks?: number;
  readonly bitFlips?: boolean;
  readonly mutation?: Mutation;
  readonly diskLie?: DiskLie;
  readonly databaseLie?: DatabaseLie;
}

export interface Result {
  readonly seed: number;
  readonly steps: number;
  /** The same seed gives the same. */
  readonly trace: string;
  /** What is wrong; none where all is well. The run ends with the first that is. */
  readonly wrong: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const faultsLastMs = 60_000;
/** After the last fault. A run that has not come to rest by then never will. */
const settlesWithinMs = 600_000;
const mostSteps = 1_000_000;

export async function simulate(options: SimulationOptions): Promise<Result> {
  const world = createWorld(options.seed);
  const setup = drawSetup(world.random.fork("setup"));
  const wrong: string[] = [];
  const disk = createDisk(world, options.diskLie === undefined ? {} : { lie: options.diskLie });
  const database = createDatabase(
    world,
    options.databaseLie === undefined ? {} : { lie: options.databaseLie },
  );
  const store = createStore(world, {
    kind: setup.store,
    largestAppendBytes: world.random.fork("large").pick([6_000, 12_000, 1_000_000]),
    problem: (text) => wrong.push(text),
  });
  const promises = createPromises();
  const counts = {
    kills: 0,
    powerLosses: 0,
    stops: 0,
    starts: 0,
    diskFailures: 0,
    damaged: 0,
    checks: 0,
    histories: 0,
  };
  const answers = { stored: 0, spooled: 0, unavailable: 0, too_large: 0 };
  const wrongInTables = tablesCheck(world.random.fork("told"), () => {
    counts.histories += 1;
  });
  let wallOffsetMs = Date.UTC(2026, 0, 15, 12);
  let faultsOver = false;
  let mostSpoolBytes = setup.spoolMaxBytes;
  let running: { readonly life: Mortal; service: Service | undefined } | undefined;

  const wallClock = (): number => Math.floor(world.now() + wallOffsetMs);
  const senders = startSenders(world, { webhooks: options.webhooks ?? 120, overMs: faultsLastMs, post });
  const seen = (): Seen => ({
    log: store.log,
    commits: database.commits(),
    tables: database.tables(),
    files: disk.files(),
    webhooks: senders.webhooks,
    promises,
    storePromises: store.promises,
    mayBeDamaged: disk.counts.bitFlips > 0,
  });
  const check = (find: (seen: Seen) => readonly string[]): void => {
    counts.checks += 1;
    const found = seen();
    wrong.push(...find(found), ...wrongInTables(found));
  };

  function post(bodies: readonly string[]): Promise<RecordOutcome> | undefined {
    const service = running?.service;
    if (service === undefined) return undefined;
    const received_at = instantFromEpochMs(wallClock()) as Instant;
    noteReceipt(promises, bodies, received_at);
    return service.receive(bodies, received_at).then((outcome) => {
      world.note(outcome.tag);
      answers[outcome.tag === "recorded" ? outcome.durability : outcome.tag] += 1;
      if (outcome.tag === "recorded")
        wrong.push(...noteAnswer(promises, { bodies, received_at }, outcome.signals));
      return outcome;
    });
  }

  function start(): void {
    const life = mortal();
    const here: typeof running = { life, service: undefined };
    running = here;
    counts.starts += 1;
    const around = {
      world,
      disk,
      store,
      database,
      wallClock,
      setup,
      mutation: options.mutation,
      lifeNumber: counts.starts,
      read: (spooled: Parameters<typeof noteRecord>[2]) => noteRecord(promises, counts.starts, spooled),
      damaged: ({ segment, offset, bytes }: DamagedPiece) => {
        counts.damaged += 1;
        const text =
          disk
            .files()
            .get(segment)
            ?.toString("utf8", offset, offset + bytes) ?? "";
        promises.setAside.push(text);
      },
      diskFailed: () => {
        counts.diskFailures += 1;
        // The process ends itself, loudly, a moment later.
        world.after(life, "process ends")(1, () => die({ power: false }));
      },
    };
    startService(life, around).then(
      (service) => {
        if (life.isOver()) return;
        here.service = service;
        check(wrongAtRest);
      },
      (error) => {
        if (!disk.faults.isFull && disk.faults.flushFails === 0) wrong.push(`cannot start: ${String(error)}`);
        die({ power: false });
      },
    );
  }

  function die({ power }: { readonly power: boolean }): void {
    if (running === undefined) return;
    running.life.end();
    running = undefined;
    disk.killed();
    if (power) {
      disk.powerLost();
      counts.powerLosses += 1;
    } else counts.kills += 1;
    check(wrongAtRest);
    // A loss of power may bring back segments that were removed; no more is added then.
    mostSpoolBytes = Math.max(setup.spoolMaxBytes, disk.bytesOf(".spool"));
    world.after(forEver, "restart")(5 + world.random.below(1_500), start);
  }

  function stop(): void {
    const { life, service } = running ?? {};
    if (life === undefined || service === undefined) return;
    counts.stops += 1;
    const end = (): void => {
      if (!life.isOver()) die({ power: false });
    };
    // As the product does: what has not ended by then is left to itself.
    world.after(life, "stop is late")(3_000, end);
    service.stop().then(() => world.after(life, "stopped")(0, end));
  }

  startChaos(
    world,
    {
      disk,
      store: store.faults,
      database,
      senders: senders.faults,
      kill: die,
      stop,
      jumpClock: (ms) => {
        wallOffsetMs += ms;
      },
    },
    {
      lastsMs: faultsLastMs,
      bitFlips: options.bitFlips === true,
      over: () => {
        faultsOver = true;
      },
    },
  );
  start();

  const hasSettled = (): boolean =>
    faultsOver &&
    senders.isIdle() &&
    running?.service?.waiting() === 0 &&
    (database.commits().at(-1)?.upTo ?? 0n) === (store.log.at(-1)?.event.position ?? 0n);
  const isLate = (): boolean => world.now() > faultsLastMs + settlesWithinMs;
  const settle = async (): Promise<void> => {
    await world.run({
      steps: mostSteps,
      isDone: () => {
        if (world.steps() % 8 === 0 && disk.bytesOf(".spool") > mostSpoolBytes)
          wrong.push("the spool is larger than it may be");
        return wrong.length > 0 || hasSettled() || isLate();
      },
    });
    if (wrong.length > 0 || hasSettled()) return;
    wrong.push(
      `not settled after ${Math.round(world.now())} ms: ${running?.service?.waiting()} wait in the spool`,
    );
  };
  await settle();
  // Nothing that went wrong before may keep the service from working now.
  disk.takeAway();
  senders.sendOneMore();
  await settle();
  if (wrong.length === 0 && !senders.isOneMoreRecorded())
    wrong.push("one more webhook is not taken any more");
  if (wrong.length === 0) check((at) => [...wrongAtRest(at), ...wrongAtTheEnd(at)]);
  return {
    seed: options.seed,
    steps: world.steps(),
    trace: world.trace(),
    wrong,
    counts: {
      ...counts,
      ...answers,
      events: store.log.length,
      overtaken: promises.overtaken(store.log),
      ...prefixed("post", senders.counts),
      ...prefixed("store", store.counts),
      ...prefixed("disk", disk.counts),
      ...prefixed("database", database.counts),
    },
  };
}

interface Mortal extends Life {
  readonly end: () => void;
}

function mortal(): Mortal {
  let isOver = false;
  return {
    isOver: () => isOver,
    end: () => {
      isOver = true;
    },
  };
}

/** Small bounds, so that short runs come to them. */
const drawSetup = (random: Random): Setup => ({
  ack: random.pick(["store", "spool"]),
  // A segment in use must leave room for others, as it does in the product.
  ...random.pick([
    { spoolMaxBytes: 12_000, segmentBytes: 1_000 },
    { spoolMaxBytes: 12_000, segmentBytes: 4_000 },
    { spoolMaxBytes: 40_000, segmentBytes: 1_000 },
    { spoolMaxBytes: 40_000, segmentBytes: 20_000 },
    { spoolMaxBytes: 1_000_000, segmentBytes: 4_000 },
    { spoolMaxBytes: 1_000_000, segmentBytes: 20_000 },
  ]),
  appendsAtOnce: random.pick([1, 3, 64]),
  maxInFlight: random.pick([1, 4, 1_024]),
  maxBatchEvents: random.pick([3, 20, 5_000]),
  cachedIncidents: random.pick([1, 10, 1_000]),
  projectors: random.pick([1, 2]),
  store: random.pick(["embedded", "eventstoredb"]),
});

const prefixed = (prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([name, n]) => [`${prefix} ${name}`, n]));
