// Dead letters tried again after a fix, on a real Postgres: afterwards the read model is as if nothing had ever failed.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { projections } from "../../projections/index.ts";
import type { Projection } from "../../projections/projection.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import type { ReadStreamFrom } from "../../src/readmodel/event-feed.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { type Projector, startProjector } from "../../src/readmodel/projector.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import { redriveRequests } from "../../src/readmodel/redrive-requests.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { answered } from "../projections/answered.ts";
import { type History, histories, type LogEntry, recordedAt, second } from "../projections/histories.ts";
import { createLogFeed, type LogFeed, silent } from "./log-feed.ts";
import { faulty, signalAt, withFold } from "./poisons.ts";
import { tablesOf } from "./tables.ts";

let database: TestDatabase;
let sql: Sql;
const running: Projector[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  sql = openPostgres(database.url, { maxConnections: 3, applicationName: "test", statementTimeoutMs: 0 });
}, 60_000);

afterEach(async () => {
  await stopAll();
  await sql.end({ timeout: 1 });
  await database.drop();
});

const stopAll = () => Promise.all(running.splice(0).map((projector) => projector.stop()));

function start(feed: LogFeed, more: { projections?: Projection[]; readStream?: ReadStreamFrom } = {}) {
  const projector = startProjector({
    databaseUrl: database.url,
    projections,
    follow: feed.follow,
    readStream: feed.readStream,
    head: feed.head,
    identity: feed.identity,
    log: silent,
    ...more,
  });
  running.push(projector);
  return projector;
}

/** The projections with a fault in their fold: these events do not get through. */
const failingAt = (fails: (data: unknown) => boolean) => withFold(projections, { fails });

const project = randomUUID() as ProjectUuid;

describe("a dead letter tried again", () => {
  test("is applied after the fix, and told so; before it, why not", async () => {
    const feed = createLogFeed();
    const first = start(feed, { projections: faulty(projections) });
    feed.append([
      signalAt(1n, project),
      signalAt(2n, project, { message: "refused: null" }),
      signalAt(3n, project, { incident_time: "yesterday" }),
    ]);
    expect(await first.waitFor(3n, 20_000)).toBe(true);
    const { one, all } = redriveRequests(sql);
    expect(await one(2n)).toEqual({ tag: "failing", reason: expect.stringContaining("23502") });
    expect(await one(3n)).toEqual({ tag: "failing", reason: expect.stringContaining("yesterday") });
    expect(await all()).toEqual({ applied: 0, failing: 2, waiting: 0 });
    expect(await one(1n)).toBeUndefined();
    expect(first.status().deadLetters).toBe(2);
    await stopAll();

    const second = start(feed);
    expect(await one(2n)).toEqual({ tag: "applied" });
    expect(await one(2n)).toBeUndefined();
    expect(await all()).toEqual({ applied: 0, failing: 1, waiting: 0 });
    expect((await sql`select incident_id from incidents order by 1`).map((row) => row.incident_id)).toEqual([
      "incident 1",
      "incident 2",
    ]);
    expect(second.status().deadLetters).toBe(1);
    expect(second.position()).toBe(3n);
  }, 60_000);

  test("asked for many times at once is applied once", async () => {
    const feed = createLogFeed();
    const first = start(feed, { projections: faulty(projections) });
    feed.append(
      Array.from({ length: 20 }, (_, n) => signalAt(BigInt(n + 1), project, { message: "refused: null" })),
    );
    expect(await first.waitFor(20n, 20_000)).toBe(true);
    await stopAll();
    start(feed);
    const { one, all } = redriveRequests(sql);
    const outcomes = await Promise.all([
      ...Array.from({ length: 5 }, () => one(7n)),
      ...Array.from({ length: 3 }, all),
    ]);
    for (const outcome of outcomes) if (outcome !== undefined) expect(outcome).not.toHaveProperty("reason");
    expect((await sql`select sum(webhooks)::int as n from incidents`)[0]?.n).toBe(20);
    expect(await all()).toEqual({ applied: 0, failing: 0, waiting: 0 });
  }, 60_000);

  test("waits where no projector is at work, and is taken up by the next one", async () => {
    const feed = createLogFeed();
    const first = start(feed, { projections: faulty(projections) });
    feed.append([signalAt(1n, project, { message: "refused: null" })]);
    expect(await first.waitFor(1n, 20_000)).toBe(true);
    await stopAll();
    const { one, all } = redriveRequests(sql, { waitMs: 50 });
    expect(await one(1n)).toEqual({ tag: "waiting", reason: expect.stringContaining("23502") });
    expect(await all()).toEqual({ applied: 0, failing: 0, waiting: 1 });
    start(feed);
    const end = Date.now() + 20_000;
    while ((await sql`select 1 from dead_letters`).length > 0) expect(Date.now()).toBeLessThan(end);
    expect((await sql`select sum(webhooks)::int as n from incidents`)[0]?.n).toBe(1);
  }, 60_000);

  test("does not hold up projecting while the store cannot be read, and is taken up once it can", async () => {
    const feed = createLogFeed();
    let isAway = true;
    const first = start(feed, { projections: faulty(projections) });
    feed.append([signalAt(1n, project, { message: "refused: null" })]);
    expect(await first.waitFor(1n, 20_000)).toBe(true);
    await stopAll();
    const second = start(feed, {
      readStream: async function* (...asked) {
        if (isAway) throw new Error("the store is away");
        yield* feed.readStream(...asked);
      },
    });
    const { one } = redriveRequests(sql, { waitMs: 1_000 });
    const outcome = one(1n);
    feed.append([signalAt(2n, project)]);
    expect(await second.waitFor(2n, 20_000)).toBe(true);
    expect(await outcome).toMatchObject({ tag: "waiting" });
    expect(second.status().lastError).toBeUndefined();
    isAway = false;
    expect(await redriveRequests(sql).one(1n)).toEqual({ tag: "applied" });
  }, 60_000);

  test("whose event the store does not hold any more stays, and says so", async () => {
    const feed = createLogFeed();
    const first = start(feed, {
      projections: faulty(projections),
      readStream: async function* () {},
    });
    feed.append([signalAt(1n, project, { message: "refused: null" })]);
    expect(await first.waitFor(1n, 20_000)).toBe(true);
    expect(await redriveRequests(sql).one(1n)).toEqual({
      tag: "failing",
      reason: "the event store does not hold the event any more",
    });
  }, 60_000);

  test("with halves of characters and NUL in its reason keeps a reason that Postgres can hold", async () => {
    const feed = createLogFeed();
    const first = start(feed);
    feed.append([signalAt(1n, project, { kind: "\0\ud800" })]);
    expect(await first.waitFor(1n, 20_000)).toBe(true);
    expect(await redriveRequests(sql).one(1n)).toEqual({
      tag: "failing",
      reason: expect.stringContaining("\u2400\ufffd"),
    });
    expect(first.status().lastError).toBeUndefined();
  }, 60_000);

  test("among batches that go on, and over connections that are cut, is applied as if it had never failed", async () => {
    const isLate = (position: number) => position > 100;
    const log = Array.from({ length: 300 }, (_, n) =>
      signalAt(BigInt(n + 1), project, {
        incident_id: `i${n % 7}`,
        status: n % 3 === 0 ? "UP" : "DOWN",
        incident_time: second((n * 37) % 300),
        ...(n % 4 === 0 && !isLate(n + 1) ? { message: "refused: null" } : {}),
      }),
    );
    const whole = createLogFeed();
    whole.append(log);
    expect(await start(whole).waitFor(300n, 20_000)).toBe(true);
    await stopAll();
    const ids = Array.from({ length: 7 }, (_, n) => `i${n}`);
    const expected = await answered(readModelQueries(sql), project, ids);
    await sql`drop schema ledger cascade`;

    const feed = createLogFeed(() => 5);
    feed.append(log.filter(({ position }) => !isLate(Number(position))));
    const failing = start(feed, { projections: faulty(projections) });
    expect(await failing.waitFor(100n, 20_000)).toBe(true);
    expect(failing.status().deadLetters).toBe(25);
    await stopAll();
    const projector = start(feed);
    const asked = redriveRequests(sql, { waitMs: 0 }).all();
    for (const event of log.filter(({ position }) => isLate(Number(position)))) {
      feed.append([event]);
      if (event.position % 50n === 0n) {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and application_name = 'incident-ledger projector'`;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect((await asked).failing).toBe(0);
    expect(await projector.waitFor(300n, 20_000)).toBe(true);
    const end = Date.now() + 20_000;
    while ((await sql`select 1 from dead_letters`).length > 0) expect(Date.now()).toBeLessThan(end);
    expect(projector.status().deadLetters).toBe(0);
    expect(await answered(readModelQueries(sql), project, ids)).toEqual(expected);
  }, 60_000);

  test("that is a setting does not undo what was set after it", async () => {
    const feed = createLogFeed();
    const setting = (position: bigint, type: string, fields: object): RecordedEvent => ({
      ...signalAt(position, project),
      stream: "registry",
      type,
      data: { project_uuid: project, ...fields },
    });
    const log = [
      setting(1n, "ProjectRegistered", { name: "first", created_at: "2025-01-01T00:00:00.000000000Z" }),
      setting(2n, "StatusesMapped", { mappings: { ODD: "ALERT", EVEN: "ALERT" } }),
      setting(3n, "ProjectChanged", { name: "second", matching: "monitor" }),
      signalAt(4n, project, { status: "odd" }),
      setting(5n, "StatusesMapped", { mappings: { ODD: "RECOVERY" } }),
      setting(6n, "ProjectChanged", { name: "third" }),
      signalAt(7n, project, { status: "even" }),
    ];
    const whole = start(feed);
    feed.append(log);
    expect(await whole.waitFor(7n, 20_000)).toBe(true);
    await stopAll();
    const expected = await tablesOf(sql);
    await sql`drop schema ledger cascade`;

    const failing = start(feed, {
      projections: failingAt((data) => /"matching":"monitor"|"ODD":"ALERT"/.test(JSON.stringify(data))),
    });
    expect(await failing.waitFor(7n, 20_000)).toBe(true);
    expect(failing.status().deadLetters).toBe(2);
    expect(await tablesOf(sql)).not.toEqual(expected);
    await stopAll();
    start(feed);
    expect(await redriveRequests(sql).one(3n)).toEqual({ tag: "applied" });
    expect(await redriveRequests(sql).one(2n)).toEqual({ tag: "applied" });
    expect(await tablesOf(sql)).toEqual(expected);
  }, 60_000);
});

/** What queries answer of the histories' projects: numbers of words and incidents go by the order of application. */
const answersOf = (some: readonly History[]) =>
  Promise.all(
    some.map(({ project: of, log }) =>
      answered(readModelQueries(sql), of, [
        ...new Set(
          log.flatMap(({ stored }) => ("incident_id" in stored.data ? [stored.data.incident_id] : [])),
        ),
      ]),
    ),
  );

describe("any history of which some events failed at first", () => {
  test("equals, once all are tried again, a read model in which none ever failed", async () => {
    let position = 0n;
    await fc.assert(
      fc.asyncProperty(
        fc.array(histories, { minLength: 20, maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 31, maxLength: 31 }),
        async (some, choices) => {
          const entries: LogEntry[] = some.flatMap(({ log }) => log);
          const events = entries.map((entry) => recordedAt(++position, entry));
          const last = events.at(-1)?.position ?? 0n;
          const bad = new Set(events.filter((_, at) => choices[at % choices.length]).map(({ id }) => id));
          const feed = createLogFeed(() => 37);
          feed.append(events);
          const whole = start(feed);
          expect(await whole.waitFor(last, 30_000)).toBe(true);
          await stopAll();
          const expected = await answersOf(some);
          await sql`drop schema ledger cascade`;

          // Which event it is, a fold sees of a signal alone; of the settings, half of the projects fail.
          const projectsThatFail = new Set(some.filter((_, at) => at % 2 === 0).map((one) => one.project));
          const failing = start(feed, {
            projections: failingAt((data) => {
              const { event_id, project_uuid } = data as { event_id?: string; project_uuid: ProjectUuid };
              return event_id === undefined ? projectsThatFail.has(project_uuid) : bad.has(event_id);
            }),
          });
          expect(await failing.waitFor(last, 30_000)).toBe(true);
          const letters = failing.status().deadLetters;
          expect(letters).toBeGreaterThan(0);
          await stopAll();
          start(feed);
          expect(await redriveRequests(sql, { waitMs: 11_000 }).all()).toEqual({
            applied: letters,
            failing: 0,
            waiting: 0,
          });
          await stopAll();
          expect(await answersOf(some)).toEqual(expected);
          await sql`drop schema ledger cascade`;
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  }, 120_000);
});
