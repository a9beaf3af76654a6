// MTTR as Postgres computes it, held to the pure figures of src/domain/recovery.ts and to JavaScript's own calendar.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { RecoveryFigures } from "../../src/answers/incidents.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { instantFromEpochMs } from "../../src/domain/instant.ts";
import { recoveryFigures } from "../../src/domain/recovery.ts";
import { createFilledReadModel, instant, type Told } from "./filled-read-model.ts";

let model: Awaited<ReturnType<typeof createFilledReadModel>>;
beforeAll(async () => {
  model = await createFilledReadModel();
}, 60_000);
afterAll(() => model.close());

type Request = Parameters<typeof model.queries.mttr>[1];
const mttr = (project: ProjectUuid, request: Partial<Request> = {}) =>
  model.queries.mttr(project, { basis: "latest_alert", tz: "UTC", ...request });

async function filled(...told: readonly Told[]): Promise<ProjectUuid> {
  const project = await model.project();
  await model.tell(project, ...told);
  return project;
}

/** An outage of its own incident that ends at this time. */
const outage = (
  incident_id: string,
  times: readonly [...alerts: string[], recovery: string],
  more: Partial<Told> = {},
): Told[] =>
  times.map((time, place) => ({
    incident_id,
    time,
    ...more,
    status: place === times.length - 1 ? "up" : "down",
  }));
const day = (hour: number, minute = 0): string =>
  `2025-01-15T${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}:00.000Z`;
const repo = "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88";

const nothing: Omit<RecoveryFigures, "open"> = {
  n: 0,
  dismissed: 0,
  mean_seconds: null,
  median_seconds: null,
  p90_seconds: null,
  p95_seconds: null,
  min_seconds: null,
  max_seconds: null,
  grade: null,
  matched_by: { incident_id: 0, monitor_id: 0, project: 0 },
};

describe("without data", () => {
  test("every figure is null, and no group stands there", async () => {
    const project = await model.project();
    expect(await mttr(project)).toEqual({
      basis: "latest_alert",
      from: null,
      to: null,
      open: 0,
      position: String(model.position()),
      ...nothing,
    });
    expect((await mttr(project, { group_by: "day" })).groups).toEqual([]);
  });

  test("open outages alone are counted, and are no figure", async () => {
    const project = await filled({ time: day(10) });
    expect(await mttr(project, { group_by: "incident" })).toMatchObject({
      ...nothing,
      open: 1,
      groups: [{ key: "api", ...nothing, open: 1 }],
    });
  });

  test("before the first event the position is 0", async () => {
    const empty = await createFilledReadModel();
    const answer = await empty.queries.mttr("7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88", {
      basis: "latest_alert",
      tz: "UTC",
    });
    expect(answer.position).toBe("0");
    await empty.close();
  });
});

describe("the figures", () => {
  test("of one outage with two alerts differ by basis", async () => {
    const project = await filled(...outage("a", [day(10), day(10, 20), day(10, 30)]));
    expect(await mttr(project)).toMatchObject({
      basis: "latest_alert",
      n: 1,
      mean_seconds: 600,
      grade: "elite",
    });
    expect(await mttr(project, { basis: "first_alert" })).toMatchObject({
      basis: "first_alert",
      mean_seconds: 1_800,
    });
  });

  test("equal the pure ones for any durations", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(3_600_000), fc.nat(1_000_000_000)), { minLength: 1, maxLength: 40 }),
        async (durationsMs) => {
          const start = Date.UTC(2025, 0, 15);
          const told = durationsMs.flatMap((durationMs, n): Told[] => [
            { incident_id: `i${n}`, time: String(instantFromEpochMs(start)) },
            {
              incident_id: `i${n}`,
              time: String(instantFromEpochMs(start + durationMs)),
              received: "2025-06-01T00:00:00Z",
              status: "up",
            },
          ]);
          // Where both have one time, the receive times are equal too, so that it took no time.
          const project = await filled(...told.map((one) => ({ ...one, received: "2025-06-01T00:00:00Z" })));
          const expected = recoveryFigures(durationsMs.map((ms) => ms / 1000));
          const found = await mttr(project);
          expect(found.n).toBe(expected.n);
          expect(found.grade).toBe(expected.grade);
          for (const name of ["mean", "median", "p90", "p95", "min", "max"] as const) {
            expect(found[`${name}_seconds`]).toBeCloseTo(expected[`${name}_seconds`] ?? Number.NaN, 4);
          }
          expect(found.matched_by.incident_id).toBe(durationsMs.length);
        },
      ),
      { numRuns: 25 },
    );
  }, 30_000);

  test("grades go by the mean: an hour, a day and a week are no longer under themselves", async () => {
    const ends = [
      ["2025-01-01T00:59:59.999Z", "elite"],
      ["2025-01-01T01:00:00Z", "high"],
      ["2025-01-01T23:59:59Z", "high"],
      ["2025-01-02T00:00:00Z", "medium"],
      ["2025-01-07T23:59:59Z", "medium"],
      ["2025-01-08T00:00:00Z", "low"],
    ] as const;
    for (const [end, grade] of ends) {
      const project = await filled(...outage("a", ["2025-01-01T00:00:00Z", end]));
      expect((await mttr(project)).grade).toBe(grade);
    }
  });

  test("hold at the position that the answer names", async () => {
    const project = await filled({ time: day(10) });
    expect((await mttr(project)).position).toBe(String(model.position()));
  });
});

describe("what is chosen", () => {
  const told = (): Told[] => [
    ...outage("a", [day(10), day(11)], { monitor_id: "m1", repo_uuid: repo }),
    { incident_id: "b", time: day(12), monitor_id: "m2" },
    { incident_id: "unheard-of", time: day(13), monitor_id: "m2", status: "up" },
    { incident_id: "c", time: day(14) },
    { incident_id: "somebody", time: day(16), status: "up" },
    { incident_id: "open", time: day(18), monitor_id: "m1" },
  ];

  test("from is in the span and to is not, by recovery", async () => {
    const project = await filled(...told());
    const n = async (from: string, to: string): Promise<number> =>
      (await mttr(project, { from: instant(from), to: instant(to) })).n;
    expect(await n(day(11), day(13))).toBe(1);
    expect(await n(day(11), day(13, 1))).toBe(2);
    expect(await n(day(11, 1), day(16))).toBe(1);
    expect(await n(day(11), day(11))).toBe(0);
    expect(await mttr(project, { from: instant(day(11)), to: instant(day(13)) })).toMatchObject({
      from: day(11),
      to: day(13),
      mean_seconds: 3_600,
    });
  });

  test("open outages count where they began before the span's end", async () => {
    const project = await filled(...told());
    const open = async (to: string): Promise<number> => (await mttr(project, { to: instant(to) })).open;
    expect(await open(day(18))).toBe(0);
    expect(await open(day(18, 1))).toBe(1);
    expect((await mttr(project, { from: instant(day(20)) })).open).toBe(1);
  });

  test("by monitor, by repository, and by how they were matched", async () => {
    const project = await filled(...told());
    expect(await mttr(project, { monitor_id: "m1" })).toMatchObject({ n: 1, open: 1, mean_seconds: 3_600 });
    expect(await mttr(project, { repo_uuid: repo })).toMatchObject({ n: 1, open: 0 });
    for (const [matched_by, mean_seconds] of [
      ["incident_id", 3_600],
      ["monitor_id", 3_600],
      ["project", 7_200],
    ] as const) {
      const found = await mttr(project, { matched_by });
      expect(found).toMatchObject({ n: 1, open: 1, mean_seconds });
      expect(found.matched_by[matched_by]).toBe(1);
    }
    expect((await mttr(project)).matched_by).toEqual({ incident_id: 1, monitor_id: 1, project: 1 });
  });

  test("never another project's", async () => {
    await filled(...told());
    expect((await mttr(await model.project())).n).toBe(0);
  });
});

describe("groups", () => {
  const keysOf = async (project: ProjectUuid, request: Partial<Request>) =>
    (await mttr(project, request)).groups?.map(({ key, n, open }) => [key, n, open]);

  test("by incident, monitor and repository: those that name none come last, under null", async () => {
    const project = await filled(
      ...outage("B", [day(10), day(11)], { monitor_id: "m1", repo_uuid: repo }),
      ...outage("a", [day(12), day(14)], { monitor_id: "m1" }),
      ...outage("a", [day(15), day(16)], { monitor_id: "m1" }),
      { incident_id: "c", time: day(17) },
    );
    expect(await keysOf(project, { group_by: "incident" })).toEqual([
      ["B", 1, 0],
      ["a", 2, 0],
      ["c", 0, 1],
    ]);
    expect(await keysOf(project, { group_by: "monitor" })).toEqual([
      ["m1", 3, 0],
      [null, 0, 1],
    ]);
    expect(await keysOf(project, { group_by: "repo" })).toEqual([
      [repo, 1, 0],
      [null, 2, 1],
    ]);
    const answer = await mttr(project, { group_by: "incident" });
    expect(answer).toMatchObject({ n: 3, open: 1, mean_seconds: 4_800 });
    expect(answer.groups?.[1]).toMatchObject({
      key: "a",
      mean_seconds: 5_400,
      min_seconds: 3_600,
      grade: "high",
    });
  });

  test("come page by page, each once, whatever their keys hold, beside the same total", async () => {
    const ids = ["a\u0000b", "a␀b", "\ud800", "\ufffd", "x", "ä"];
    const project = await filled(
      ...ids.flatMap((id) => outage(id, [day(10), day(11)], { monitor_id: id })),
      ...outage("y", [day(10), day(12)], { monitor_id: "" }),
      ...outage("z", [day(10), day(12)]),
    );
    for (const [group_by, expected] of [
      ["incident", ["a␀b", "a␀b", "x", "y", "z", "ä", "\ufffd", "\ufffd"]],
      ["monitor", ["a␀b", "x", "ä", "\ufffd", null]],
    ] as const) {
      for (const limit of [1, 2, 3, 500]) {
        const keys: (string | null)[] = [];
        let cursor: string | null | undefined;
        for (let pages = 0; cursor !== null && pages < 20; pages++) {
          const answer = await mttr(project, { group_by, page: { limit, cursor } });
          expect([answer.n, answer.groups?.length]).toEqual([
            8,
            Math.min(limit, expected.length - keys.length),
          ]);
          keys.push(...(answer.groups ?? []).map(({ key }) => key));
          cursor = answer.groups_next;
        }
        expect([group_by, limit, keys]).toEqual([group_by, limit, [...expected]]);
      }
    }
    const foreign = mttr(project, { group_by: "incident", page: { limit: 1, cursor: "bm9uZQ" } });
    expect(await foreign.catch((error: Error) => error.name)).toBe("BadCursor");
  });

  test("by day, week and month across the change to summer time", async () => {
    // Vienna: 23:00Z is midnight until 30 March, 22:00Z from then on.
    const ends = [
      "2025-03-29T22:59:59Z",
      "2025-03-29T23:00:00Z",
      "2025-03-30T21:59:59Z",
      "2025-03-30T22:00:00Z",
      "2025-03-31T22:00:00Z",
    ];
    const project = await filled(...ends.flatMap((end, n) => outage(`i${n}`, ["2025-03-29T10:00:00Z", end])));
    const tz = "Europe/Vienna";
    expect(await keysOf(project, { group_by: "day", tz })).toEqual([
      ["2025-03-29", 1, 0],
      ["2025-03-30", 2, 0],
      ["2025-03-31", 1, 0],
      ["2025-04-01", 1, 0],
    ]);
    expect(await keysOf(project, { group_by: "week", tz })).toEqual([
      ["2025-W13", 3, 0],
      ["2025-W14", 2, 0],
    ]);
    expect(await keysOf(project, { group_by: "month", tz })).toEqual([
      ["2025-03", 4, 0],
      ["2025-04", 1, 0],
    ]);
    expect(await keysOf(project, { group_by: "day" })).toEqual([
      ["2025-03-29", 2, 0],
      ["2025-03-30", 2, 0],
      ["2025-03-31", 1, 0],
    ]);
  });

  test("a week belongs to the ISO year, and an open outage to the day of its start", async () => {
    const project = await filled(...outage("a", ["2024-12-29T00:00:00Z", "2024-12-30T00:00:00Z"]), {
      incident_id: "b",
      time: "2027-01-03T23:30:00Z",
    });
    expect(await keysOf(project, { group_by: "week" })).toEqual([
      ["2025-W01", 1, 0],
      ["2026-W53", 0, 1],
    ]);
    expect(await keysOf(project, { group_by: "day", tz: "Asia/Tokyo" })).toEqual([
      ["2024-12-30", 1, 0],
      ["2027-01-04", 0, 1],
    ]);
  });

  test("in a time zone that Postgres does not know are refused by name, not as a fault", async () => {
    // The zone is looked up where there is a time to move into it.
    const project = await filled(...outage("a", [day(10), day(11)]));
    const asked = mttr(project, { group_by: "day", tz: "Mars/Olympus" });
    expect(
      await asked.then(
        () => "answered",
        (error: Error) => error.name,
      ),
    ).toBe("UnknownTimeZone");
  });

  test("days are those of JavaScript's calendar, in any zone at any time of the year", async () => {
    const zones = [
      "UTC",
      "Europe/Vienna",
      "America/New_York",
      "Asia/Kolkata",
      "Australia/Lord_Howe",
      "Pacific/Apia",
      "CET",
      "cet",
      "EET",
      "MET",
      "WET",
      "EST5EDT",
      "America/St_Johns",
    ];
    const year = Date.UTC(2025, 0, 2);
    const times = fc.sample(fc.nat(360 * 86_400), 150).map((second) => year + second * 1_000);
    const project = await filled(
      ...times.flatMap((ms, n) => outage(`i${n}`, ["2025-01-01T00:00:00Z", String(instantFromEpochMs(ms))])),
    );
    for (const tz of zones) {
      const calendar = new Intl.DateTimeFormat("sv-SE", {
        timeZone: tz,
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
      });
      const counts = new Map<string, number>();
      for (const ms of times) {
        const key = calendar.format(ms);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const expected = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, n]) => [key, n, 0]);
      expect(await keysOf(project, { group_by: "day", tz })).toEqual(expected as [string, number, number][]);
    }
  });
});
