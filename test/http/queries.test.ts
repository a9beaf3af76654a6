// What the query routes make of a request: filters, pages, waiting, ids in paths, and a read model that is away.

import { beforeEach, describe, expect, test } from "bun:test";
import { type IncidentDetail, incidentAnswer } from "../../src/answers/incidents.ts";
import type { Caller } from "../../src/http/access.ts";
import { exampleOf } from "../../src/http/openapi-schema.ts";
import { createQueryTurns } from "../../src/http/query-turns.ts";
import { type Answer, adminKey, createHttpSide, type HttpSide, projectA, repoA } from "./http-side.ts";

let http: HttpSide;

beforeEach(async () => {
  http = await createHttpSide();
});

const at = `/api/projects/${projectA}`;
const get = (path: string): Promise<Answer> => http.ask("GET", `${at}${path}`, { key: adminKey });

function expectProblem(answer: Answer, status: number, details: RegExp | string): void {
  expect(answer.body).toEqual({
    success: false,
    error: expect.any(String),
    details: typeof details === "string" ? details : expect.stringMatching(details),
  });
  expect(answer.status).toBe(status);
}

describe("filters", () => {
  test("reach the query as parsed values; absent ones are absent", async () => {
    await get("/incidents");
    await get(
      `/incidents?state=open&monitor_id=a%26b&repo_uuid=${repoA.toUpperCase()}&from=2025-01-01T00:00:00%2B01:00&to=2025-02-01T00:00:00Z&limit=500&cursor=c`,
    );
    expect(http.asked).toEqual([
      ["incidents", projectA, {}, { limit: 50, cursor: undefined }],
      [
        "incidents",
        projectA,
        {
          state: "open",
          monitor_id: "a&b",
          repo_uuid: repoA,
          from: "2024-12-31T23:00:00.000000000Z",
          to: "2025-02-01T00:00:00.000000000Z",
        },
        { limit: 500, cursor: "c" },
      ],
    ]);
  });

  test("of pairs and mttr too", async () => {
    await get("/pairs?state=open&incident_id=%2F&matched_by=project");
    await get("/mttr");
    await get("/mttr?basis=first_alert&matched_by=monitor_id&group_by=day&tz=Europe/Paris&monitor_id=");
    expect(http.asked.map(([name, , filter]) => [name, filter])).toEqual([
      ["pairs", { state: "open", incident_id: "/", matched_by: "project" }],
      ["mttr", { basis: "latest_alert", tz: "UTC" }],
      [
        "mttr",
        {
          basis: "first_alert",
          matched_by: "monitor_id",
          group_by: "day",
          tz: "Europe/Paris",
          monitor_id: "",
          page: { limit: 500, cursor: undefined },
        },
      ],
    ]);
  });

  test("take a plus sign that the caller did not encode", async () => {
    await get("/mttr?from=2025-01-01T00:00:00+01:00");
    expect(http.asked[0]?.[2]).toMatchObject({ from: "2024-12-31T23:00:00.000000000Z" });
  });

  const wrong: readonly [string, RegExp][] = [
    ["/incidents?state=closed", /^state must be one of open, recovered, dismissed, orphan, unmapped\.$/],
    ["/incidents?limit=0", /^limit must be a whole number from 1 to 500\.$/],
    ["/incidents?limit=501", /^limit/],
    ["/incidents?limit=1.5", /^limit/],
    ["/incidents?limit=", /^limit/],
    ["/incidents?limit=1e2", /^limit/],
    ["/incidents?limit=10&limit=20", /^limit.*more than once/],
    ["/incidents?form=2025-01-01", /"form".*state, monitor_id, repo_uuid, from, to/],
    ["/incidents?from=yesterday", /^Cannot read from "yesterday"/],
    ["/incidents?to=2025-02-30T00:00:00Z", /^Cannot read to .*February has no day 30/],
    ["/incidents?from=2025-02-01T00:00:00Z&to=2025-01-01T00:00:00Z", /^from must not be later than to/],
    ["/incidents?repo_uuid=x", /^repo_uuid "x" is not a UUID/],
    ["/incidents?min_position=-1", /^min_position/],
    ["/incidents/i?state=open", /"state"/],
    ["/incidents/i/timeline?from=2025-01-01", /"from"/],
    ["/pairs?state=orphan", /^state must be one of open, recovered/],
    ["/pairs?matched_by=luck", /^matched_by/],
    ["/mttr?basis=mean", /^basis must be one of latest_alert, first_alert/],
    ["/mttr?group_by=year", /^group_by/],
    ["/mttr?tz=Mars/Olympus", /^tz "Mars\/Olympus" is not an IANA time zone/],
    ["/mttr?tz=%2B01:00", /^tz/],
    ["/mttr?limit=5", /^limit and cursor page through groups/],
    ["/replay?limit=5", /"limit"/],
  ];
  for (const [path, details] of wrong) {
    test(`${path} is a 400 that names the parameter`, async () => {
      expectProblem(await get(path), 400, details);
      expect(http.asked).toEqual([]);
    });
  }
});

describe("queries of one key", () => {
  test("are answered six at once; thirty more wait their turn, in order, and all others are told 429", async () => {
    const under: (() => void)[] = [];
    let most = 0;
    let running = 0;
    http = await createHttpSide({
      queries: {
        pairs: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => under.push(resolve));
          running -= 1;
          return { items: [], next_cursor: null };
        },
      },
    });
    const key = await http.keyFor(projectA, ["read"]);
    const other = await http.keyFor(projectA, ["read"]);
    const asked = Array.from({ length: 48 }, () => http.ask("GET", `${at}/pairs`, { key }));
    await until(() => under.length === 6);
    const theirs = [http.ask("GET", `${at}/pairs`, { key: other }), get("/pairs")];
    await until(() => under.length === 8);
    const refused = await Promise.race(asked);
    expectProblem(refused, 429, "A key may have 6 queries answered at once, and 30 more that wait.");
    expect(refused.headers.get("retry-after")).toBe("1");
    for (let answered = 0; answered < 38; answered++) {
      await until(() => under.length > answered);
      under[answered]?.();
    }
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses).toEqual([...Array(36).fill(200), ...Array(12).fill(429)]);
    expect((await Promise.all(theirs)).map(({ status }) => status)).toEqual([200, 200]);
    expect(most).toBe(8);
    expect(running).toBe(0);
  });

  test("that fail give their turn back", async () => {
    http = await createHttpSide({ queries: { pairs: () => Promise.reject(new Error("a bug")) } });
    const key = await http.keyFor(projectA, ["read"]);
    for (let more = 0; more < 40; more++) {
      expect((await http.ask("GET", `${at}/pairs`, { key })).status).toBe(500);
    }
  });

  test("do not wait for ever", async () => {
    const turns = createQueryTurns({ atOnce: 1, waiting: 1, waitMs: 10 });
    const caller = { tag: "key", key: { key_id: "k" } } as unknown as Caller;
    const { promise, resolve } = Promise.withResolvers<Response>();
    const first = turns.take(caller, () => promise);
    expect((await turns.take(caller, async () => new Response())).status).toBe(429);
    resolve(new Response());
    expect((await first).status).toBe(200);
    expect((await turns.take(caller, async () => new Response())).status).toBe(200);
  });
});

/** Waits for the condition, for a bounded number of turns of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !holds(); turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}

describe("min_position", () => {
  test("waits for the read model, and is a 503 where it does not come so far", async () => {
    const waited: [bigint, number][] = [];
    http = await createHttpSide({
      waitFor: async (position, timeoutMs) => {
        waited.push([position, timeoutMs]);
        return position <= 10n;
      },
    });
    expect((await get("/mttr?min_position=10")).status).toBe(200);
    const late = await get("/pairs?min_position=18446744073709551615");
    expectProblem(late, 503, /18446744073709551615/);
    expect(late.headers.get("retry-after")).toBe("1");
    expect(waited.map(([position]) => position)).toEqual([10n, 18_446_744_073_709_551_615n]);
    for (const [, timeoutMs] of waited) expect(timeoutMs).toBeLessThanOrEqual(5_000);
  });
});

describe("a read model that cannot be asked", () => {
  const fail = (name: string) => async (): Promise<never> => {
    const error = new Error("at 10.0.0.3");
    error.name = name;
    throw error;
  };

  test("is a 503 that says when to come again, on every query route", async () => {
    const away = fail("ReadModelUnavailable");
    http = await createHttpSide({
      queries: {
        incidents: away,
        incident: away,
        timeline: away,
        pairs: away,
        mttr: away,
        deadLetters: away,
      },
    });
    for (const path of ["/incidents", "/incidents/i", "/incidents/i/timeline", "/pairs", "/mttr"]) {
      const answer = await get(path);
      expectProblem(answer, 503, "The read model cannot be asked at this moment.");
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect((await http.ask("GET", "/api/admin/dead-letters", { key: adminKey })).status).toBe(503);
  });

  test("is not a cursor that is none of ours: 400", async () => {
    http = await createHttpSide({ queries: { pairs: fail("BadCursor"), deadLetters: fail("BadCursor") } });
    expectProblem(await get("/pairs?cursor=x"), 400, /cursor/);
    const letters = await http.ask("GET", "/api/admin/dead-letters?cursor=x", { key: adminKey });
    expectProblem(letters, 400, /cursor/);
  });

  test("nor a time zone that Postgres does not know: 400", async () => {
    http = await createHttpSide({ queries: { mttr: fail("UnknownTimeZone") } });
    expectProblem(await get("/mttr?group_by=day&tz=Europe/Vienna"), 400, /tz/);
  });

  test("nor a bug: 500 without a word of it", async () => {
    http = await createHttpSide({ queries: { mttr: fail("TypeError") } });
    const answer = await get("/mttr");
    expectProblem(answer, 500, /fault/);
    expect(answer.text).not.toContain("10.0.0.3");
  });
});

describe("an incident_id in a path", () => {
  const ids = [
    "a/b",
    "%",
    "%25",
    "%2F",
    "\0",
    "a b+c",
    "x?y#z&w=1",
    "timeline",
    "💥 ü",
    "a\\b",
    "..%2f..",
    "'; --",
  ];
  for (const id of ids) {
    test(`may be ${JSON.stringify(id)}`, async () => {
      const path = `/incidents/${encodeURIComponent(id)}`;
      await get(path);
      await get(`${path}/timeline?limit=1`);
      expect(http.asked.map(([name, project, given]) => [name, project, given])).toEqual([
        ["incident", projectA, id],
        ["timeline", projectA, id],
      ]);
    });
  }

  test("in the query may hold one too, and is U+FFFD only where that is written", async () => {
    await get("/pairs?incident_id=a+%ED%A0%80%2F&limit=1");
    await get("/pairs?limit=1&incident_id=a+%EF%BF%BD");
    expect(http.asked.map(([, , filter]) => filter)).toEqual([
      { incident_id: "a \ud800/" },
      { incident_id: "a \ufffd" },
    ]);
  });

  test("may hold a lone surrogate, written as its three bytes", async () => {
    await get("/incidents/a%ED%A0%80b%2F%F0%9F%92%A5");
    expect(http.asked[0]?.[2]).toBe("a\ud800b/💥");
  });

  test("may be a lone dot or two, written so that no client takes them out; %2E itself comes first", async () => {
    const incident = exampleOf(incidentAnswer) as IncidentDetail;
    let known = [".", "%2E"];
    const asked: string[] = [];
    http = await createHttpSide({
      queries: {
        incident: async (_project, id) => {
          asked.push(id);
          return known.includes(id) ? { ...incident, incident_id: id } : undefined;
        },
      },
    });
    expect((await get("/incidents/%252E")).body.incident_id).toBe("%2E");
    known = ["..", "."];
    expect((await get("/incidents/%252E")).body.incident_id).toBe(".");
    expect((await get("/incidents/%252e%252E")).body.incident_id).toBe("..");
    expect(asked).toEqual(["%2E", "%2E", ".", "%2e%2E", ".."]);
  });

  test("that is not percent-encoded UTF-8 or too long is a 400", async () => {
    expectProblem(await get("/incidents/%zz"), 400, /percent-encoded/);
    expectProblem(await get("/incidents/%ff/timeline"), 400, /percent-encoded/);
    expectProblem(await get(`/incidents/${"x".repeat(513)}`), 400, /512/);
    expect(http.asked).toEqual([]);
  });

  test("that the project does not have is a 404", async () => {
    http = await createHttpSide({ queries: { timeline: async () => undefined } });
    expectProblem(await get("/incidents/i"), 404, /no incident/);
    expectProblem(await get("/incidents/i/timeline"), 404, /no incident/);
  });
});
