// Bad events among good ones on a real Postgres: each costs itself alone, and projecting goes on. TEST_SEED
// replays the choices of a run.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { projections } from "../../projections/index.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { BatchApplier, prepareEvents } from "../../src/readmodel/apply-batch.ts";
import { applyOrSplit } from "../../src/readmodel/apply-or-split.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { type Projector, startProjector } from "../../src/readmodel/projector.ts";
import { postgresStore } from "../../src/readmodel/read-model-store.ts";
import { spreadLine, spreadOf } from "../faults/figures.ts";
import { type Random, randomFrom } from "../faults/seed.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { anyLog, createLogFeed, type LogFeed, silent } from "./log-feed.ts";
import { faulty, foreign, harmless, poisons, signalAt } from "./poisons.ts";

const eventsAMix = 1_000;

let database: TestDatabase;
let sql: Sql;
let projector: Projector;
let feed: LogFeed;
let position = 0n;

beforeAll(async () => {
  database = await createTestDatabase();
  sql = openPostgres(database.url, { maxConnections: 2, applicationName: "test", statementTimeoutMs: 0 });
  feed = createLogFeed();
  projector = startProjector({
    databaseUrl: database.url,
    projections: faulty(projections),
    follow: feed.follow,
    readStream: feed.readStream,
    head: feed.head,
    identity: feed.identity,
    log: silent,
  });
}, 60_000);

afterAll(async () => {
  await projector.stop();
  await sql.end({ timeout: 1 });
  await database.drop();
});

interface Mix {
  readonly name: string;
  /** Which places hold a poison, and which one. */
  readonly poisoned: ReadonlyMap<number, number>;
}

/** Each poison alone, then several in one batch, clusters, every other event, and nothing but poison. */
function mixes(random: Random): readonly Mix[] {
  const place = () => random.below(eventsAMix);
  const isRefused = (index: number) => /\d{5}/.test(poisons[index]?.[1].source ?? "");
  /** Of many, few are such that Postgres has to find them: how often it is asked then has a test of its own. */
  const kind = (howMany: number): number => {
    const chosen = random.below(poisons.length);
    return howMany >= 50 && isRefused(chosen) && random.chance(0.9) ? kind(howMany) : chosen;
  };
  const some = (name: string, places: readonly number[]): Mix => ({
    name,
    poisoned: new Map(places.map((at) => [at, kind(places.length)])),
  });
  const alone = poisons.map(([name], index) => ({ name, poisoned: new Map([[place(), index]]) }));
  const all = Array.from({ length: eventsAMix }, (_, at) => at);
  const refused = poisons.flatMap(([, reason], index) => (/\d{5}/.test(reason.source) ? [index] : []));
  return [
    ...alone,
    some("the first", [0]),
    some("the last", [eventsAMix - 1]),
    some("first and last", [0, eventsAMix - 1]),
    some("a cluster", all.slice(400, 420)),
    ...[2, 3, 5, 10, 20, 50, 100, 300].map((n) => some(`${n} anywhere`, Array.from({ length: n }, place))),
    some(
      "every other",
      all.filter((at) => at % 2 === 0),
    ),
    some(
      "all but one",
      all.filter((at) => at !== 500),
    ),
    some("nothing but poison", all),
    {
      name: "every fiftieth refused by Postgres",
      poisoned: new Map(all.filter((at) => at % 50 === 0).map((at) => [at, random.pick(refused)])),
    },
    some("two next to each other", [617, 618]),
    { name: "all refused by Postgres", poisoned: new Map(all.map((at) => [at, random.pick(refused)])) },
  ];
}

/** Signals, some of them odd, some events of foreign types, and the mix's poisons. */
function eventsOf(mix: Mix, project: ProjectUuid, random: Random) {
  const letters: { event: RecordedEvent; reason: RegExp }[] = [];
  let signals = 0;
  const events = Array.from({ length: eventsAMix }, (_, place) => {
    position += 1n;
    const [, reason, make] = poisons[mix.poisoned.get(place) ?? -1] ?? [];
    if (make !== undefined && reason !== undefined) {
      const event = make(position, project);
      letters.push({ event, reason });
      return event;
    }
    if (random.chance(0.02)) return random.pick(foreign)(position, project);
    signals += 1;
    return random.chance(0.02) ? random.pick(harmless)(position, project) : signalAt(position, project);
  });
  return { events, letters, signals };
}

/** The longest time in which nothing became visible, until everything is. */
async function longestStall(upTo: bigint): Promise<number> {
  let longest = 0;
  let seen = projector.position();
  let since = performance.now();
  const end = since + 60_000;
  while (seen < upTo) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const now = performance.now();
    longest = Math.max(longest, now - since);
    if (projector.position() !== seen) since = now;
    seen = projector.position();
    if (now > end) throw new Error(`not within 60 s: position ${upTo}; it is at ${seen}`);
  }
  return longest;
}

describe("a batch of a thousand with bad events in it", () => {
  const reported = reportedTests(import.meta.path);
  reported.test(
    "costs a dead letter for each of them, and all others land (50 mixes)",
    async (report) => {
      const { random } = reported;
      const stalls: number[] = [];
      const all = mixes(random);
      // How long this machine takes for a thousand good events now.
      feed.append(
        eventsOf({ name: "good", poisoned: new Map() }, randomUUID() as ProjectUuid, random).events,
      );
      const goodMs = await longestStall(position);
      for (const mix of all) {
        const project = randomUUID() as ProjectUuid;
        const before = position;
        const { events, letters, signals } = eventsOf(mix, project, random);
        feed.append(events);
        stalls.push(await longestStall(position));
        const told = await sql`
        select position, stream, event_id, type, reason from dead_letters
        where position > ${before.toString()}::text::numeric order by position`;
        const named = (
          await sql`select 1 from incidents where project = (select id from words where word = ${project})`
        ).length;
        const stored = await sql`
        select 1 from records where position > ${before.toString()}::text::numeric`;
        expect([mix.name, named, stored.length, told.length]).toEqual([
          mix.name,
          signals,
          signals,
          letters.length,
        ]);
        for (const [index, { event, reason }] of letters.entries()) {
          const { stream, id, type } = event;
          expect(told[index]).toMatchObject({
            position: event.position.toString(),
            stream: stream.toWellFormed(),
            event_id: id,
            type,
            reason: expect.stringMatching(reason),
          });
        }
      }
      expect(all.length).toBeGreaterThanOrEqual(50);
      expect(projector.status().lastError).toBeUndefined();
      console.log(
        `poison: seed ${random.seed}, ${spreadLine("longest time without progress", stalls)}; ` +
          `a thousand good events ${goodMs.toFixed(0)} ms`,
      );
      // The promise is 1 s; where the machine does other things too, good events have to wait as well.
      report.tried({ mixes: all.length, eventsEach: eventsAMix });
      report.found({ lastError: projector.status().lastError ?? null });
      const boundMs = Math.max(1_000, 3 * goodMs);
      report.timeBound("half of the stalls in ms", spreadOf(stalls).p50, { below: boundMs });
      report.timeBound("the worst stall in ms", spreadOf(stalls).most, { below: 5 * boundMs });
    },
    240_000,
  );

  test("costs a bounded number of statements, whatever the mix", async () => {
    const random = randomFrom(7);
    const refused = poisons.findIndex(([what]) => what === "a value that a column refuses");
    const counted = async (name: string, places: readonly number[]): Promise<number> => {
      const mix = { name, poisoned: new Map(places.map((at) => [at, refused])) };
      const { events, letters } = eventsOf(mix, randomUUID() as ProjectUuid, random);
      const { statements, told } = await applied(events);
      expect(told).toEqual(letters.map(({ event }) => event.position));
      return statements;
    };
    const all = Array.from({ length: eventsAMix }, (_, at) => at);
    const figures = {
      none: await counted("none", []),
      one: await counted("one", [617]),
      two: await counted("two", [3, 998]),
      "every other": await counted(
        "every other",
        all.filter((at) => at % 2 === 0),
      ),
      all: await counted("all", all),
    };
    console.log(`poison: statements for ${eventsAMix} events with bad ones: ${JSON.stringify(figures)}`);
    expect(figures.none).toBe(1);
    expect(figures.one).toBeLessThanOrEqual(40);
    expect(figures.two).toBeLessThanOrEqual(80);
    expect(figures["every other"]).toBeLessThanOrEqual(2 * eventsAMix + 10);
    expect(figures.all).toBeLessThanOrEqual(eventsAMix + eventsAMix / 50 + 10);
  }, 120_000);
});

test("what is too large for one statement goes in several", async () => {
  const project = randomUUID() as ProjectUuid;
  const message = "huge ".repeat(100_000);
  const events = Array.from({ length: 60 }, () => signalAt(++position, project, { message }));
  const { statements, told, largest } = await applied(events);
  expect(told).toEqual([]);
  expect(
    (
      await sql`
        select 1 from incidents where project = (select id from words where word = ${project})`
    ).length,
  ).toBe(60);
  expect(statements).toBeGreaterThanOrEqual(4);
  expect(largest).toBeLessThan(10_000_000);
}, 60_000);

/** Applies a batch on the projector's tables, which stands still meanwhile, and counts what that takes. */
async function applied(events: readonly RecordedEvent[]) {
  await projector.stop();
  const one = openPostgres(database.url, {
    maxConnections: 1,
    applicationName: "test",
    statementTimeoutMs: 0,
  });
  const from = BigInt((await one`select position from checkpoints`)[0]?.position);
  const pid = Number((await one`select pg_backend_pid() as pid`)[0]?.pid);
  let statements = 0;
  let largest = 0;
  const unsafe = (...asked: Parameters<Sql["unsafe"]>) => {
    statements += 1;
    largest = Math.max(largest, ...(asked[1] ?? []).map((value) => String(value).length));
    return one.unsafe(...asked);
  };
  const counting = new Proxy(one, {
    get: (target, name) => (name === "unsafe" ? unsafe : Reflect.get(target, name)),
  });
  const applier = new BatchApplier(postgresStore(counting, projections), faulty(projections), {
    cacheSize: 10,
  });
  const told: bigint[] = [];
  let upTo = from;
  await applyOrSplit(
    { sql: one, pid, applier },
    {
      logId: await anyLog.id(),
      events,
      prepared: prepareEvents(events),
      from,
      upTo: position,
      applied: (part) => {
        expect(part.upTo).toBeGreaterThan(upTo);
        upTo = part.upTo;
        told.push(...part.deadLetters.map(({ event }) => event.position));
      },
    },
  );
  expect(upTo).toBe(position);
  await one.end({ timeout: 1 });
  return { statements, told, largest };
}
