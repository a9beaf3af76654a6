// What the read model answers, on a real Postgres filled through the real projections: filters, order, pages, times.
// MTTR is in mttr-query.test.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { Page } from "../../src/answers/field.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { freePort } from "../../src/processes/ports.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { readModelQueries } from "../../src/readmodel/queries.ts";
import { createTestDatabase } from "../postgres.ts";
import { createFilledReadModel, instant, type Told } from "./filled-read-model.ts";

let model: Awaited<ReturnType<typeof createFilledReadModel>>;
beforeAll(async () => {
  model = await createFilledReadModel();
}, 60_000);
afterAll(() => model.close());

const everything = { limit: 1_000, cursor: undefined };
const repo = "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88";
/** 2025-01-15, at this minute after ten o'clock. */
const at = (minute: number, second = 0): string =>
  `2025-01-15T${String(10 + Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:${String(second).padStart(2, "0")}.000Z`;

async function filled(...told: readonly Told[]): Promise<ProjectUuid> {
  const project = await model.project();
  await model.tell(project, ...told);
  return project;
}

/** All pages one after the other; between them `meanwhile` may store more. */
async function allPages<T>(
  ask: (page: { limit: number; cursor: string | undefined }) => Promise<Page<T>>,
  limit: number,
  meanwhile: (turn: number) => Promise<unknown> = async () => {},
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let turn = 0; turn < 200; turn++) {
    const page = await ask({ limit, cursor });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next_cursor === null) return items;
    expect(page.items.length).toBe(limit);
    cursor = page.next_cursor;
    await meanwhile(turn);
  }
  throw new Error("the pages do not end");
}

describe("incidents", () => {
  const ids = async (project: ProjectUuid, filter: Parameters<typeof model.queries.incidents>[1]) =>
    (await model.queries.incidents(project, filter, everything)).items.map(({ incident_id }) => incident_id);

  test("say everything of themselves, newest first", async () => {
    const project = await filled(
      { incident_id: "old", time: at(0), monitor_id: "m1", monitor_name: "One", repo_uuid: repo },
      {
        incident_id: "old",
        time: at(0),
        monitor_id: "m1",
        monitor_name: "One",
        repo_uuid: repo,
        message: "again",
      },
      { incident_id: "old", time: at(5), status: "up" },
      { incident_id: "new", time: at(1), status: "odd" },
    );
    const found = await model.queries.incidents(project, {}, everything);
    expect(found.next_cursor).toBeNull();
    expect(found.items).toEqual([
      {
        incident_id: "new",
        state: "unmapped",
        monitor_id: null,
        monitor_name: null,
        repo_uuid: null,
        first_time: at(1),
        last_time: at(1),
        alerts: 0,
        recoveries: 0,
        dismissals: 0,
        acknowledgements: 0,
        unmapped: 1,
        orphans: 0,
        surplus: 0,
        records: 1,
        outages: 0,
        webhooks: 1,
      },
      {
        incident_id: "old",
        state: "recovered",
        monitor_id: "m1",
        monitor_name: "One",
        repo_uuid: repo,
        first_time: at(0),
        last_time: at(5),
        alerts: 1,
        recoveries: 1,
        dismissals: 0,
        acknowledgements: 0,
        unmapped: 0,
        orphans: 0,
        surplus: 0,
        records: 2,
        outages: 1,
        webhooks: 3,
      },
    ]);
  });

  test("are chosen by state, each by its own", async () => {
    const project = await filled(
      { incident_id: "orphan", time: at(0), status: "up" },
      { incident_id: "recovered", time: at(1) },
      { incident_id: "recovered", time: at(2), status: "up" },
      { incident_id: "open", time: at(3) },
      { incident_id: "unmapped", time: at(4), status: "odd" },
    );
    for (const state of ["orphan", "recovered", "open", "unmapped"] as const)
      expect(await ids(project, { state })).toEqual([state]);
    expect(await ids(project, {})).toHaveLength(4);
  });

  test("are chosen by monitor and repository, and by both", async () => {
    const project = await filled(
      { incident_id: "a", time: at(0), monitor_id: "m1" },
      { incident_id: "b", time: at(1), monitor_id: "m1", repo_uuid: repo },
      { incident_id: "c", time: at(2), repo_uuid: repo },
      { incident_id: "d", time: at(3), monitor_id: "nul\0here" },
    );
    expect(await ids(project, { monitor_id: "m1" })).toEqual(["b", "a"]);
    expect(await ids(project, { repo_uuid: repo })).toEqual(["c", "b"]);
    expect(await ids(project, { monitor_id: "m1", repo_uuid: repo })).toEqual(["b"]);
    expect(await ids(project, { monitor_id: "M1" })).toEqual([]);
    expect(await ids(project, { monitor_id: "nul\0here" })).toEqual(["d"]);
  });

  test("are chosen by the half-open span in which they were heard of", async () => {
    const project = await filled(
      { incident_id: "a", time: at(10) },
      { incident_id: "a", time: at(20), status: "up" },
    );
    const within = async (from: string | undefined, to: string | undefined): Promise<boolean> =>
      (
        await ids(project, {
          ...(from === undefined ? {} : { from: instant(from) }),
          ...(to === undefined ? {} : { to: instant(to) }),
        })
      ).length === 1;
    expect(await within(at(20), undefined)).toBe(true);
    expect(await within(at(20, 1), undefined)).toBe(false);
    expect(await within(undefined, at(10))).toBe(false);
    expect(await within(undefined, at(10, 1))).toBe(true);
    expect(await within(at(12), at(15))).toBe(true);
    expect(await within(at(0), at(10))).toBe(false);
  });

  test("of another project are never among them", async () => {
    const [mine, other] = [
      await filled({ time: at(0) }),
      await filled({ time: at(0), incident_id: "theirs" }),
    ];
    expect(await ids(mine, {})).toEqual(["api"]);
    expect(await ids(other, {})).toEqual(["theirs"]);
    expect(await ids(randomUUID() as string as ProjectUuid, {})).toEqual([]);
    expect(await model.queries.incident(mine, "theirs")).toBeUndefined();
  });

  test("one shows its outages in order, the open one last", async () => {
    const project = await filled(
      { time: at(0) },
      { time: at(4), status: "up" },
      { time: at(10) },
      { time: at(12) },
    );
    const found = await model.queries.incident(project, "api");
    expect(found).toMatchObject({ incident_id: "api", state: "open", alerts: 3, recoveries: 1 });
    expect(
      found?.outages.map(({ incident_id, first_alert_at, latest_alert_at, recovered_at, alerts }) => ({
        incident_id,
        first_alert_at,
        latest_alert_at,
        recovered_at,
        alerts,
      })),
    ).toEqual([
      { incident_id: "api", first_alert_at: at(0), latest_alert_at: at(0), recovered_at: at(4), alerts: 1 },
      { incident_id: "api", first_alert_at: at(10), latest_alert_at: at(12), recovered_at: null, alerts: 2 },
    ]);
  });

  test("without an outage one has none", async () => {
    const project = await filled({ time: at(0), status: "up" });
    expect(await model.queries.incident(project, "api")).toMatchObject({ state: "orphan", outages: [] });
  });

  test("can be asked for by any incident_id, exactly", async () => {
    const all = ["/", "%", "a b", "ä", "\0", "\u2400", "x".repeat(512), "'; drop table incidents; --", "💥"];
    const project = await filled(...all.map((incident_id, minute) => ({ incident_id, time: at(minute) })));
    for (const [minute, id] of all.entries())
      expect((await model.queries.incident(project, id))?.first_time).toBe(at(minute));
    expect(await model.queries.incident(project, "A B")).toBeUndefined();
  });
});

describe("a timeline", () => {
  test("says everything of each record", async () => {
    const project = await filled({
      time: at(0),
      received: at(1),
      status: " Down ",
      message: "m",
      monitor_id: "7",
      monitor_name: "",
      repo_uuid: repo,
      local_time: "11:00",
      timezone: "Europe/Vienna",
    });
    const page = await model.queries.timeline(project, "api", everything);
    expect(page?.items).toEqual([
      {
        event_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown as string,
        position: String(model.position()),
        incident_time: at(0),
        effective_time: at(0),
        received_at: at(1),
        status: " Down ",
        kind: "ALERT",
        monitor_name: "",
        monitor_id: "7",
        repo_uuid: repo,
        message: "m",
        local_time: "11:00",
        timezone: "Europe/Vienna",
        source: "contract",
        webhooks: 1,
      },
    ]);
  });

  test("goes by effective time; at equal times alert, recovery, neither", async () => {
    const project = await filled(
      { time: at(3), status: "odd", received: at(3) },
      { time: at(3), status: "DOWN", received: at(4) },
      { time: at(3), status: "up", received: at(3) },
      { time: at(1), status: "odd" },
      // Repeats the alert's start, and was received ten minutes after it: effective at 14.
      { time: at(4), status: "DOWN", received: at(4) },
      { time: at(4), status: "up", received: at(14) },
      { time: at(14), status: "DOWN" },
      { time: at(14), status: "odd" },
    );
    const page = await model.queries.timeline(project, "api", everything);
    const told = page?.items.map(({ kind, incident_time, effective_time }) => [
      kind,
      incident_time,
      effective_time,
    ]);
    const expected = [
      [null, at(1), at(1)],
      ["ALERT", at(3), at(3)],
      ["RECOVERY", at(3), at(3)],
      [null, at(3), at(3)],
      ["ALERT", at(4), at(4)],
      ["ALERT", at(14), at(14)],
      ["RECOVERY", at(4), at(14)],
      [null, at(14), at(14)],
    ] as const;
    expect(told as unknown).toEqual(expected);
    for (const limit of [1, 2, 3, 7, 8]) {
      const pages = await allPages(
        async (asked) =>
          (await model.queries.timeline(project, "api", asked)) ?? { items: [], next_cursor: null },
        limit,
      );
      expect(
        pages.map(({ kind, incident_time, effective_time }) => [
          kind,
          incident_time,
          effective_time,
        ]) as unknown,
      ).toEqual(expected);
    }
  });

  test("of an incident that is not there is undefined; after its end it is an empty page", async () => {
    const project = await filled({ time: at(0) }, { time: at(1) });
    expect(await model.queries.timeline(project, "other", everything)).toBeUndefined();
    const first = await model.queries.timeline(project, "api", { limit: 1, cursor: undefined });
    const second = await model.queries.timeline(project, "api", {
      limit: 1,
      cursor: first?.next_cursor ?? "",
    });
    expect(second).toMatchObject({ items: [{ incident_time: at(1) }], next_cursor: null });
  });
});

describe("pairs", () => {
  const threePairs: Told[] = [
    { incident_id: "a", time: at(0), monitor_id: "m1", repo_uuid: repo },
    { incident_id: "a", time: at(2), monitor_id: "m1", repo_uuid: repo },
    { incident_id: "a", time: at(10), status: "up" },
    { incident_id: "b", time: at(1), monitor_id: "m2" },
    { incident_id: "unheard-of", time: at(5), status: "up", monitor_id: "m2" },
    { incident_id: "c", time: at(6) },
    { incident_id: "somebody", time: at(7), status: "up" },
    { incident_id: "d", time: at(20) },
    { incident_id: "e", time: at(21) },
  ];
  const idsOf = async (project: ProjectUuid, filter: Parameters<typeof model.queries.pairs>[1]) =>
    (await model.queries.pairs(project, filter, everything)).items.map(({ incident_id }) => incident_id);

  test("say how they were matched and how long it took, in order of recovery", async () => {
    const project = await filled(...threePairs);
    const { items, next_cursor } = await model.queries.pairs(project, {}, everything);
    expect(next_cursor).toBeNull();
    expect(
      items.map(({ incident_id, matched_by, recovered_at }) => [incident_id, matched_by, recovered_at]),
    ).toEqual([
      ["b", "monitor_id", at(5)],
      ["c", "project", at(7)],
      ["a", "incident_id", at(10)],
    ]);
    expect(items[2]).toMatchObject({
      monitor_id: "m1",
      repo_uuid: repo,
      first_alert_at: at(0),
      latest_alert_at: at(2),
      alerts: 2,
      recovery_seconds: 480,
      outage_seconds: 600,
      recovered_at_basis: "incident_time",
    });
    expect(items[2]?.recovery_event_id).not.toBeNull();
  });

  test("the open ones are asked for by state, with nothing where the recovery would be", async () => {
    const project = await filled(...threePairs);
    const { items } = await model.queries.pairs(project, { state: "open" }, everything);
    expect(items.map(({ incident_id }) => incident_id)).toEqual(["d", "e"]);
    for (const item of items) {
      expect(item).toMatchObject({
        recovered_at: null,
        recovery_seconds: null,
        outage_seconds: null,
        matched_by: null,
        recovered_at_basis: null,
        recovery_event_id: null,
      });
    }
    expect(await idsOf(project, { state: "recovered" })).toEqual(["b", "c", "a"]);
  });

  test("each filter chooses, and together they narrow", async () => {
    const project = await filled(...threePairs);
    expect(await idsOf(project, { incident_id: "a" })).toEqual(["a"]);
    expect(await idsOf(project, { monitor_id: "m2" })).toEqual(["b"]);
    expect(await idsOf(project, { repo_uuid: repo })).toEqual(["a"]);
    for (const [by, id] of [
      ["incident_id", "a"],
      ["monitor_id", "b"],
      ["project", "c"],
    ] as const)
      expect(await idsOf(project, { matched_by: by })).toEqual([id]);
    expect(await idsOf(project, { monitor_id: "m2", matched_by: "project" })).toEqual([]);
    expect(await idsOf(project, { state: "open", incident_id: "d" })).toEqual(["d"]);
    expect(await idsOf(project, { incident_id: "unheard-of" })).toEqual([]);
  });

  test("from is in the span, to is not: by recovery, of open ones by their first alert", async () => {
    const project = await filled(...threePairs);
    expect(await idsOf(project, { from: instant(at(5)), to: instant(at(10)) })).toEqual(["b", "c"]);
    expect(await idsOf(project, { from: instant(at(5, 1)), to: instant(at(10, 1)) })).toEqual(["c", "a"]);
    expect(await idsOf(project, { from: instant(at(7)), to: instant(at(7)) })).toEqual([]);
    expect(await idsOf(project, { state: "open", from: instant(at(20)), to: instant(at(21)) })).toEqual([
      "d",
    ]);
    expect(await idsOf(project, { state: "open", from: instant(at(20, 1)) })).toEqual(["e"]);
  });
});

describe("pages one after the other show everything once, in the order of one page", () => {
  /** Incidents with equal times among them: ended and open outages, orphans, records of every kind. */
  const histories = fc.array(
    fc.record({
      incident_id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      minute: fc.nat(5),
      status: fc.constantFrom("DOWN", "DOWN", "up", "odd"),
    }),
    { minLength: 1, maxLength: 40 },
  );

  test("for any history, page size and list, also while more is stored behind the reader", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 5 }), async (history, limit) => {
        const project = await filled(
          ...history.map(({ minute, ...told }) => ({ ...told, time: at(30 + minute), received: at(40) })),
        );
        const { queries } = model;
        const nothing = { items: [], next_cursor: null };
        const lists: readonly [
          (page: { limit: number; cursor: string | undefined }) => Promise<Page<object>>,
          /** Something new that sorts before everything shown. */
          (turn: number) => Promise<unknown>,
        ][] = [
          [
            (page) => queries.incidents(project, {}, page),
            (turn) => model.tell(project, { incident_id: `x${turn}`, time: at(50 + turn), status: "odd" }),
          ],
          [
            (page) => queries.pairs(project, {}, page),
            (turn) =>
              model.tell(
                project,
                { incident_id: `y${turn}`, time: at(1), received: at(1) },
                { incident_id: `y${turn}`, time: at(2), status: "up", received: at(2) },
              ),
          ],
          [
            (page) => queries.pairs(project, { state: "open" }, page),
            (turn) =>
              model.tell(
                project,
                { incident_id: `z${turn}`, time: at(3), received: at(3) },
                { incident_id: `z${turn}`, time: at(4), status: "up", received: at(4) },
              ),
          ],
          [
            async (page) =>
              (await queries.timeline(project, history[0]?.incident_id ?? "a", page)) ?? nothing,
            (turn) =>
              model.tell(project, {
                incident_id: history[0]?.incident_id ?? "a",
                time: at(0, turn),
                status: "odd",
                received: at(40),
              }),
          ],
        ];
        for (const [ask, meanwhile] of lists) {
          const whole = (await ask(everything)).items;
          expect(await allPages(ask, limit)).toEqual(whole as object[]);
          expect(await allPages(ask, limit, meanwhile)).toEqual(whole as object[]);
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test("of dead letters too, by position", async () => {
    const letters = Array.from({ length: 7 }, (_, n) => ({
      position: String(18_446_744_073_709_551_000n + BigInt(n)),
      event_id: `event ${n}`,
      stream: "registry",
      type: "ProjectRegistered",
      reason: `reason ${n}`,
    }));
    for (const { position, event_id, stream, type, reason } of [...letters].reverse())
      await model.sql`insert into dead_letters values (${position}::text::numeric, ${event_id}, ${stream}, ${type}, ${reason}, 0)`;
    for (const limit of [1, 3, 7, 10])
      expect(await allPages(model.queries.deadLetters, limit)).toEqual(letters);
    await model.sql`delete from dead_letters`;
  });
});

describe("a cursor that is not from here", () => {
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const time = "2025-01-15T10:00:00.000000000Z";
  const bad = [
    "",
    "x",
    "%00",
    encoded(null),
    encoded({}),
    encoded([]),
    encoded(["0", time, randomUUID()]),
    encoded(["2", time]),
    encoded(["2", time, randomUUID(), "more"]),
    encoded(["2", time, "'; drop table incidents"]),
    encoded(["2", 5, randomUUID()]),
    encoded(["2", "2025-01-15\0T10:00:00.000000000Z", randomUUID()]),
    encoded(["2", "2025-02-30T10:00:00.000000000Z", "1"]),
  ];
  test("is refused by every list", async () => {
    const project = await filled({ time: at(0) });
    const { queries } = model;
    for (const cursor of bad) {
      const page = { limit: 5, cursor };
      for (const asked of [
        queries.incidents(project, {}, page),
        queries.pairs(project, {}, page),
        queries.timeline(project, "api", page),
        queries.deadLetters(page),
      ]) {
        expect(
          await asked.then(
            () => "answered",
            (error: Error) => error.name,
          ),
        ).toBe("BadCursor");
      }
    }
  });
});

test("a key's last use is that of the last webhook it recorded, in its own project", async () => {
  const project = await model.project();
  const [key_id, unused] = [randomUUID(), randomUUID()];
  for (const id of [key_id, unused])
    await model.settle({
      type: "ApiKeyIssued",
      data: {
        key_id: id,
        project_uuid: project,
        label: "ci",
        scopes: ["ingest"],
        sha256: id.replaceAll("-", "").repeat(2),
        expires_at: null,
        created_at: instant(at(0)),
      },
    });
  await model.tell(
    project,
    { time: at(0), received: at(9), key_id },
    { time: at(5), received: at(7), key_id },
    { time: at(6), received: at(8) },
  );
  expect([...(await model.queries.keyUsage(project))]).toEqual([[key_id, instant(at(9))]]);
  expect((await model.queries.keyUsage(await model.project())).size).toBe(0);
});

describe("where Postgres cannot be asked", () => {
  const outcomes = async (url: string): Promise<readonly string[]> => {
    const sql = openPostgres(url, { maxConnections: 2, applicationName: "test", statementTimeoutMs: 1_000 });
    const queries = readModelQueries(sql);
    const project = randomUUID() as string as ProjectUuid;
    const asked = [
      queries.incidents(project, {}, everything),
      queries.incident(project, "api"),
      queries.timeline(project, "api", everything),
      queries.pairs(project, {}, everything),
      queries.mttr(project, { basis: "latest_alert", tz: "UTC" }),
      queries.deadLetters(everything),
      queries.keyUsage(project),
    ];
    const found = await Promise.all(
      asked.map((one) =>
        (one as Promise<unknown>).then(
          () => "answered",
          (error: Error) => error.name,
        ),
      ),
    );
    await sql.end({ timeout: 1 });
    return [...new Set(found)];
  };

  test("because nobody listens, every query says so", async () => {
    expect(await outcomes(`postgres://nobody@127.0.0.1:${await freePort()}/none`)).toEqual([
      "ReadModelUnavailable",
    ]);
  });

  test("because the tables are not made yet, every query says so", async () => {
    const empty = await createTestDatabase();
    expect(await outcomes(empty.url)).toEqual(["ReadModelUnavailable"]);
    await empty.drop();
  });

  test("because the password is wrong or the database is gone, every query says so", async () => {
    expect(await outcomes(model.url.replace(/:[^:@/]+@/, ":wrong@"))).toEqual(["ReadModelUnavailable"]);
    expect(await outcomes(model.url.replace(/[^/]+$/, "gone"))).toEqual(["ReadModelUnavailable"]);
  });
});
