// What a read of few streams among many costs: rows looked at, and how the database finds them. No timing.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { streamNameFilter } from "@eventstore/db-client";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { EventFile } from "../../src/eventstore/embedded/event-file.ts";
import { PrefixIndex, prefixQueries } from "../../src/eventstore/embedded/prefix-index.ts";
import { type EventStoreServer, startEventStore } from "../../src/eventstore/embedded/server.ts";
import type { LogBatch } from "../../src/eventstore/follow-log.ts";
import { createReadLog } from "../../src/eventstore/read-log.ts";
import { quiet } from "./adapter-store.ts";
import { connect } from "./contract-store.ts";

const directory = mkdtempSync(join(tmpdir(), "ledger-prefix-"));
const path = join(directory, "events.sqlite");
const [own, foreign, empty] = [randomUUID(), randomUUID(), randomUUID()];
const foreignEvents = 60_000;
const under = (project: string) => `incident-${project}.`;

/** By position: events of one project among many of another, some of which share a beginning with it. */
const ownPositions: number[] = [];

beforeAll(() => {
  const file = new EventFile(path);
  const bytes = Buffer.from("{}");
  const append = (name: string): number => {
    const stream = file.stream(name) ?? file.makeStream(name);
    const id = Buffer.from(randomUUID().replaceAll("-", ""), "hex");
    stream.last += 1;
    const proposed = { id, type: "Counted", isJson: true, data: bytes, metadata: bytes };
    const position = file.add(stream, stream.last, proposed, 0);
    file.saveStream(stream);
    return position;
  };
  file.begin();
  for (let n = 0; n < foreignEvents; n++) {
    append(n % 2 === 0 ? `incident-${foreign}.${n % 5_000}` : `incident-${own}${n % 3}`);
    if (n % 600 === 0) ownPositions.push(append(`${under(own)}${["a", "b", "ü", "", "𝄞"][n % 5]}`));
  }
  file.commit();
  file.close();
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const going = async (): Promise<boolean> => true;

/** An index over the file that counts the rows that SQLite hands out. */
function counted(most?: number) {
  const db = new DatabaseSync(path, { readOnly: true });
  let rows = 0;
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    const all = (...values: Parameters<StatementSync["all"]>) => {
      const found = statement.all(...values);
      rows += found.length;
      return found;
    };
    return { all } as unknown as StatementSync;
  };
  const index = new PrefixIndex({ prepare }, most);
  return { db, index, rows: () => rows };
}

async function positionsIn(index: PrefixIndex, prefix: string, after = 0): Promise<number[]> {
  const found: number[] = [];
  const range = { after, upTo: Number.MAX_SAFE_INTEGER };
  for await (const round of index.rounds(prefix, range, going)) found.push(...round);
  return found;
}

describe("one project among 60,000 events of others", () => {
  test("its events are found in log order, each by one row, its streams by one each", async () => {
    const { db, index, rows } = counted();
    expect(await positionsIn(index, under(own))).toEqual(ownPositions);
    const streams = Number(
      db
        .prepare(
          "select count(distinct stream) as n from events where position in (select value from json_each(?))",
        )
        .get(JSON.stringify(ownPositions))?.n,
    );
    expect(ownPositions).toHaveLength(100);
    expect(rows()).toBe(ownPositions.length + streams);
    db.close();
  });

  test("an empty one costs no row", async () => {
    const { db, index, rows } = counted();
    expect(await positionsIn(index, under(empty))).toEqual([]);
    expect(rows()).toBe(0);
    db.close();
  });

  test("from a position on, and in rounds where there are too many to hold", async () => {
    const { db, index } = counted(7);
    expect(await positionsIn(index, under(own))).toEqual(ownPositions);
    expect(await positionsIn(index, under(own), ownPositions[40])).toEqual(ownPositions.slice(41));
    db.close();
  });

  test("both queries go by an index alone, whatever the file holds", () => {
    const db = new DatabaseSync(path, { readOnly: true });
    const plan = (sql: string, ...values: (string | number)[]) =>
      db
        .prepare(`explain query plan ${sql}`)
        .all(...values)
        .map(({ detail }) => detail);
    expect(plan(prefixQueries.streams, "a", "b", 1)).toEqual([
      "SEARCH streams USING COVERING INDEX sqlite_autoindex_streams_1 (name>? AND name<?)",
    ]);
    expect(plan(prefixQueries.positions, 1, 0, 1)).toEqual([
      "SEARCH events USING COVERING INDEX events_of_stream (stream=? AND revision>?)",
    ]);
    db.close();
  });
});

describe("through the server", () => {
  let server: EventStoreServer;
  beforeAll(async () => {
    server = await startEventStore({ file: path, host: "127.0.0.1", port: 0, password: undefined });
  });
  afterAll(() => server.stop());

  test("a replay shows the project's events, and walks the log nowhere", async () => {
    const store = connectEventStore({ url: server.connectionString, log: quiet });
    const { forwards } = EventFile.prototype;
    let walked = 0;
    EventFile.prototype.forwards = function (...range) {
      const page = forwards.apply(this, range);
      walked += page.events.length;
      return page;
    };
    try {
      const shown: bigint[] = [];
      for await (const event of store.readLog({ prefixes: [under(own)] })) shown.push(event.position);
      expect(shown).toEqual(ownPositions.map(BigInt));
      for await (const event of store.readLog({ prefixes: [under(empty)] })) throw new Error(event.id);
    } finally {
      EventFile.prototype.forwards = forwards;
      await store.close();
    }
    expect(walked).toBe(0);
  }, 30_000);

  test("a follower sees what was there, and then what comes", async () => {
    const client = connect(server.connectionString);
    const from = BigInt(ownPositions[90] ?? 0);
    const subscription = client.subscribeToAll({
      fromPosition: { commit: from, prepare: from },
      filter: streamNameFilter({ prefixes: [under(own)] }),
    });
    const followed: bigint[] = [];
    for await (const { event } of subscription) {
      if (event?.position !== undefined) followed.push(event.position.commit);
      if (followed.length === 9)
        await client.appendToStream(`${under(own)}new`, {
          id: randomUUID(),
          type: "Counted",
          contentType: "application/json",
          data: {},
          metadata: {},
        });
      if (followed.length === 10) break;
    }
    await subscription.unsubscribe();
    expect(followed.slice(0, 9)).toEqual(ownPositions.slice(91).map(BigInt));
    expect(followed[9]).toBeGreaterThan(followed[8] ?? 0n);
    await client.dispose();
  }, 30_000);
});

test("a reading ends at once when it is returned from, however far the next event is", async () => {
  let ended = false;
  const searching = async function* ({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<LogBatch> {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    ended = true;
  };
  const reading = createReadLog(searching, async () => 1n)({ prefixes: [under(own)] });
  const next = reading.next();
  await new Promise((resolve) => setImmediate(resolve));
  await reading.return();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(ended).toBe(true);
});
