// A read model belongs to one log: on a real Postgres, with logs that are exchanged, restored and mixed up.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { projections } from "../../projections/index.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { openPostgres, type Sql } from "../../src/readmodel/postgres.ts";
import { type Projector, startProjector } from "../../src/readmodel/projector.ts";
import { createTestDatabase, type TestDatabase } from "../postgres.ts";
import { createLogFeed, type LogFeed } from "./log-feed.ts";
import { signalAt } from "./poisons.ts";

let database: TestDatabase;
let sql: Sql;
const running: Projector[] = [];
/** What was logged as an error. */
const errors: string[] = [];
const project = randomUUID() as ProjectUuid;

beforeEach(async () => {
  database = await createTestDatabase();
  sql = openPostgres(database.url, { maxConnections: 3, applicationName: "test", statementTimeoutMs: 0 });
  errors.length = 0;
}, 60_000);

afterEach(async () => {
  await Promise.all(running.splice(0).map((projector) => projector.stop()));
  await sql.end({ timeout: 1 });
  await database.drop();
});

function start(feed: LogFeed): Projector {
  const projector = startProjector({
    databaseUrl: database.url,
    projections,
    follow: feed.follow,
    readStream: feed.readStream,
    head: feed.head,
    identity: feed.identity,
    log: {
      info: () => {},
      warn: () => {},
      error: (fields, message) => errors.push(`${message}: ${(fields as { reason: string }).reason}`),
    },
  });
  running.push(projector);
  return projector;
}

const stop = (projector: Projector): Promise<void> => {
  running.splice(running.indexOf(projector), 1);
  return projector.stop();
};

function logOf(events: readonly RecordedEvent[], logId?: string): LogFeed {
  const feed = createLogFeed(undefined, logId);
  feed.append(events);
  return feed;
}

const made = new Map<number, RecordedEvent>();
/** The same event for the same position, so that copies of a log hold the same ones. */
const signals = (from: number, to: number): RecordedEvent[] =>
  range(from, to).map((position) => {
    const event = made.get(position) ?? signalAt(BigInt(position), project);
    made.set(position, event);
    return event;
  });

/** The positions of all events that queries can see. */
const shown = async (): Promise<number[]> =>
  (await sql`select distinct position from ledger.records order by position`).map(({ position }) =>
    Number(position),
  );

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = Date.now() + 12_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const shows = (...positions: number[]) =>
  until(
    async () => JSON.stringify(await shown().catch(() => [])) === JSON.stringify(positions),
    `${positions}`,
  );

async function builtFrom(feed: LogFeed, upTo: bigint): Promise<void> {
  const projector = start(feed);
  expect(await projector.waitFor(upTo, 20_000)).toBe(true);
  await stop(projector);
}

describe("found at the start, and built anew", () => {
  test("another log, also one that is longer", async () => {
    await builtFrom(logOf(signals(1, 5)), 5n);
    const other = start(logOf(signals(101, 170), randomUUID()));
    await shows(...range(101, 170));
    await until(() => other.status().otherLog === undefined, "ready");
    expect(other.position()).toBe(170n);
    expect(errors).toEqual([expect.stringContaining("the read model was built from log 3f2b8c1e-")]);
  }, 60_000);

  test("an older copy of the log that has not come as far again", async () => {
    await builtFrom(logOf(signals(1, 9)), 9n);
    start(logOf(signals(1, 4)));
    await shows(1, 2, 3, 4);
    expect(errors).toEqual([
      expect.stringContaining("checkpoint 9 is beyond the end of the event store's log, 4"),
    ]);
  }, 60_000);

  test("an older copy whose next events lie at the same places", async () => {
    await builtFrom(logOf(signals(1, 9)), 9n);
    const others = signals(5, 12).map((event) => ({ ...event, id: randomUUID() }));
    start(logOf([...signals(1, 4), ...others]));
    await shows(...range(1, 12));
    expect(errors).toEqual([expect.stringContaining("does not hold the event that the read model has")]);
  }, 60_000);

  test("an older copy of the log that has since gone another way, and further", async () => {
    await builtFrom(logOf(signals(1, 9)), 9n);
    const copy = logOf([...signals(1, 4), ...signals(6, 8), ...signals(10, 80)]);
    const projector = start(copy);
    await shows(...range(1, 4), ...range(6, 8), ...range(10, 80));
    copy.append(signals(81, 82));
    expect(await projector.waitFor(82n, 20_000)).toBe(true);
    expect(errors).toEqual([expect.stringContaining("does not hold the event that the read model has")]);
  }, 60_000);

  test("tables that were being built aside from another log are not gone on with", async () => {
    const gated = logOf(signals(1, 3));
    const held = start({
      ...gated,
      async *follow(options) {
        for await (const batch of gated.follow(options)) yield { ...batch, caughtUp: false };
      },
    });
    await until(async () => {
      const [built] = await sql`select position from ledger_next.checkpoints`.catch(() => []);
      return built?.position === "3";
    }, "built aside");
    await stop(held);
    start(logOf(signals(2, 6), randomUUID()));
    await shows(2, 3, 4, 5, 6);
    expect(await shown()).toEqual([2, 3, 4, 5, 6]);
  }, 60_000);
});

test("the log that is exchanged while it is followed is found, whatever comes after", async () => {
  let log = logOf(signals(1, 9));
  const exchanged = new AbortController();
  const current: LogFeed = {
    ...log,
    identity: {
      id: () => log.identity.id(),
      holds: (event) => log.identity.holds(event),
      holdsEventAt: (position) => log.identity.holdsEventAt(position),
      head: () => log.identity.head(),
    },
    head: () => log.head(),
    // As the adapter does: where the connection is lost, it says so and goes on behind what it handed over.
    async *follow(options) {
      let from = options.from;
      const first = new AbortController();
      for (const signal of [options.signal, exchanged.signal])
        signal.addEventListener("abort", () => first.abort(), { once: true });
      for await (const batch of log.follow({ ...options, signal: first.signal })) {
        from = batch.upTo;
        yield batch;
      }
      if (!options.signal.aborted) options.dropped("the server ended it");
      yield* log.follow({ ...options, from });
    },
  };
  const projector = start(current);
  expect(await projector.waitFor(9n, 20_000)).toBe(true);
  log = logOf([...signals(1, 4), ...signals(10, 40)]);
  exchanged.abort();
  await shows(...range(1, 4), ...range(10, 40));
  await until(() => projector.status().lastError === undefined, "ready");
  expect(errors).toEqual([expect.stringContaining("does not hold the event")]);
}, 60_000);

describe("two at one database", () => {
  test("the second, of another log, is not ready, and does not take over when the first is gone", async () => {
    const first = start(logOf(signals(1, 5)));
    expect(await first.waitFor(5n, 20_000)).toBe(true);
    const second = start(logOf(signals(101, 170), randomUUID()));
    await until(
      () => second.status().lastError?.includes("a service with that log uses it") ?? false,
      "refused",
    );
    expect(second.status().lastError).toContain("Give this service a DATABASE_URL of its own");
    expect(second.position()).toBe(0n);
    await stop(first);
    // Longer than a standby takes to take over.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(second.status().leading).toBe(false);
    expect(await shown()).toEqual(range(1, 5));
    const again = start(logOf(signals(1, 7)));
    expect(await again.waitFor(7n, 20_000)).toBe(true);
    expect(errors).toEqual([
      expect.stringMatching(/holds log \S+$/),
      expect.stringContaining("a service with that log uses it"),
    ]);
  }, 60_000);

  test("the second is refused also where it gets the lead while the first opens its session again", async () => {
    const log = logOf(signals(1, 5));
    await builtFrom(log, 5n);
    // The first lives, and does not lead just now.
    const session = openPostgres(database.url, {
      maxConnections: 1,
      applicationName: "test",
      statementTimeoutMs: 0,
    });
    await session`select pg_advisory_lock_shared(hashtextextended(${`incident-ledger ledger ${await log.identity.id()}`}, 0))`;
    const second = start(logOf(signals(101, 170), randomUUID()));
    await until(
      () => second.status().lastError?.includes("a service with that log uses it") ?? false,
      "refused",
    );
    await session.end({ timeout: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(second.status().leading).toBe(false);
    expect(await shown()).toEqual(range(1, 5));
  }, 60_000);

  test("a standby of the same log is ready, and takes over", async () => {
    const log = logOf(signals(1, 5));
    const first = start(log);
    expect(await first.waitFor(5n, 20_000)).toBe(true);
    const second = start(log);
    expect(await second.waitFor(5n, 20_000)).toBe(true);
    expect(second.status()).toMatchObject({ leading: false, lastError: undefined });
    await stop(first);
    log.append(signals(6, 7));
    expect(await second.waitFor(7n, 20_000)).toBe(true);
    expect(errors).toEqual([]);
  }, 60_000);
});

describe("a read model that is older than the identity of logs", () => {
  async function older(feed: LogFeed): Promise<void> {
    await builtFrom(feed, 5n);
    await sql`drop table ledger.log_mark`;
  }

  test("is kept where its checkpoint is an event's of this log", async () => {
    const log = logOf(signals(1, 5));
    await older(log);
    const [before] = await sql`select 'ledger.checkpoints'::regclass::oid as oid`;
    log.append(signals(6, 7));
    const projector = start(log);
    expect(await projector.waitFor(7n, 20_000)).toBe(true);
    expect((await sql`select 'ledger.checkpoints'::regclass::oid as oid`)[0]).toEqual(before);
    const [mark] = await sql`select log_id::text, position from ledger.log_mark`;
    expect(mark).toMatchObject({ log_id: await log.identity.id(), position: "7" });
    expect(errors).toEqual([]);
  }, 60_000);

  test("is built anew where no event of this log is at its checkpoint", async () => {
    await older(logOf(signals(1, 5)));
    start(logOf([...signals(1, 4), ...signals(6, 9)], randomUUID()));
    await shows(1, 2, 3, 4, 6, 7, 8, 9);
    expect(errors).toEqual([expect.stringContaining("lies at the read model's checkpoint 5")]);
  }, 60_000);
});
