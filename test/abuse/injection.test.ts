// SQL injection: every parameter and path of every route that reads, filled with what ends a string, a statement or a
// number, down to a real Postgres. Never a fault, never another project's rows, and the tables stay as they are.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { openReadSide } from "../../src/app/read-side.ts";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { createStopping } from "../../src/processes/stopping.ts";
import { takeLead } from "../../src/readmodel/lead.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { adminKey, projectA, projectB } from "../http/http-side.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { createFilledReadModel } from "../readmodel/filled-read-model.ts";
import { createWholeSide, type Route, storeOn, type WholeSide } from "./whole-side.ts";

const mark = "row-of-B";
let model: Awaited<ReturnType<typeof createFilledReadModel>>;
let side: WholeSide;
let reading: readonly Route[];
beforeAll(async () => {
  model = await createFilledReadModel();
  side = await createWholeSide({ queries: model.queries });
  // A stream's answer does not end.
  reading = side.routes.filter(
    ({ method, access, template }) => method === "GET" && access !== "open" && !template.endsWith("/stream"),
  );
  for (const [project, text] of [
    [projectA, "row-of-A"],
    [projectB, mark],
  ] as const) {
    const signal = { incident_id: text, monitor_id: text, monitor_name: text, message: text };
    await model.tell(
      project as ProjectUuid,
      { ...signal, time: "2025-01-15T10:00:00Z" },
      { ...signal, time: "2025-01-15T10:10:00Z", status: "UP" },
      { ...signal, incident_id: `${text}-open`, time: "2025-01-15T10:20:00Z" },
    );
  }
}, 60_000);
afterAll(async () => {
  await side.stop();
  await model.close();
});

const pieces = [
  "'",
  "''",
  '"',
  "\\'",
  "\\",
  "`",
  ";",
  "--",
  "/*",
  "*/",
  "$$",
  "$1",
  "$tag$",
  "%",
  "_",
  "(",
  ")",
  "||",
  "\0",
  "\n",
  "\u02bc",
  "\uff07",
  "\ud800",
  "E'\\''",
  "U&'\\0027'",
  "chr(39)",
  " or 1=1",
  " or '1'='1",
  " and 1=0 union select ",
  " union all select * from incidents",
  "; drop table incidents cascade",
  "; update incidents set project_uuid = ",
  "pg_sleep(20)",
  "'||(select pg_sleep(20))||'",
  "(select incident_id from incidents limit 1)",
  "::text",
  "infinity",
  "null",
  "true",
  "1",
  "-1",
  "0x27",
  "limit 1",
  "asc",
  "row-of-A",
  mark,
  projectA,
  projectB,
  "2025-01-15T10:00:00Z",
];
const hostile = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...pieces) },
      fc.string({ unit: "binary", maxLength: 4 }),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((parts) => parts.join(""))
  // As a part of a path these are another path.
  .filter((text) => !["", ".", ".."].includes(text));
/** Cursors that are well formed and hold what is not. */
const forgedCursor = fc
  .array(fc.oneof(hostile, fc.constant("2025-01-15T10:00:00.000000000Z"), fc.constant("1")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((values) => Buffer.from(JSON.stringify(["2", ...values])).toString("base64url"));

async function rows(): Promise<unknown> {
  const tables = await model.sql`
    select table_name from information_schema.tables where table_schema = current_schema() order by table_name`;
  const counts = await model.sql`
    select project, incident_id, state, (select count(*) from records) as records, (select count(*) from outages) as outages
    from incidents order by project, incident_id`;
  return [tables, counts];
}

test("whatever stands in a path or a query, it is a value", async () => {
  expect(reading.length).toBeGreaterThan(10);
  const before = JSON.stringify(await rows());
  const key = await side.keyFor(projectA, ["ingest", "read"]);
  let runs = 0;
  let slowest = 0;
  const answered = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.nat(),
      hostile,
      fc.array(fc.oneof({ weight: 3, arbitrary: hostile }, forgedCursor), { minLength: 1, maxLength: 2 }),
      async (whichRoute, whichParameter, inPath, values) => {
        const route = reading[whichRoute % reading.length];
        if (route === undefined) return;
        const isInPath = whichParameter % 4 === 0;
        const text = encodeURIComponent(inPath.toWellFormed());
        const parts = {
          project: projectA,
          incident: "row-of-A",
          source: "fields",
          ...(isInPath ? { incident: text } : {}),
        };
        const path = route.path(isInPath && whichParameter % 8 === 0 ? { ...parts, project: text } : parts);
        const query = new URLSearchParams();
        for (const [n, value] of values.entries()) {
          const name = route.parameters[(whichParameter + n) % Math.max(1, route.parameters.length)];
          if (name !== undefined) query.set(name, value.toWellFormed());
        }
        const startedAt = performance.now();
        const answer = await side.ask("GET", `${path}?${query}`, {
          key: route.access === "admin" ? adminKey : key,
        });
        slowest = Math.max(slowest, performance.now() - startedAt);
        runs++;
        answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1);
        expect([200, 400, 404]).toContain(answer.status);
        if (answer.status === 200 && route.access === "key") expect(answer.text).not.toContain(mark);
        if (answer.status !== 200) expect(Object.keys(answer.body)).toEqual(["success", "error", "details"]);
      },
    ),
    { numRuns: 3_000 },
  );
  console.log(
    `S14: ${runs} requests, answered ${[...answered].map(([status, n]) => `${status} ${n} times`).join(", ")}; the slowest took ${slowest.toFixed(0)} ms`,
  );
  expect(answered.get(200) ?? 0).toBeGreaterThan(50);
  // Nobody slept in Postgres.
  expect(slowest).toBeLessThan(10_000);
  expect(JSON.stringify(await rows())).toBe(before);
}, 120_000);

test("what a field says is stored as it stands, quotes and all", async () => {
  for (const piece of pieces.filter((one) => !/[\0\ud800]/.test(one))) {
    await model.tell(projectA as ProjectUuid, {
      incident_id: piece,
      monitor_id: piece,
      monitor_name: piece,
      message: piece,
      status: piece,
      time: "2025-01-15T11:00:00Z",
    });
    const found = await model.queries.incident(projectA, piece);
    expect([found?.incident_id, found?.monitor_id, found?.monitor_name]).toEqual([piece, piece, piece]);
    const filtered = await model.queries.incidents(
      projectA,
      { monitor_id: piece },
      { limit: 500, cursor: undefined },
    );
    expect(filtered.items.some(({ incident_id }) => incident_id === piece)).toBe(true);
  }
});

test("a connection that only asks cannot change anything", async () => {
  const asking = openPostgres(model.url, {
    maxConnections: 1,
    applicationName: "test",
    statementTimeoutMs: 0,
    readOnly: true,
  });
  try {
    expect((await asking`select count(*)::int as n from incidents`)[0]?.n).toBeGreaterThan(0);
    for (const change of ["delete from incidents", "drop table incidents", "create table mine ()"])
      await expect(asking.unsafe(change).execute()).rejects.toThrow(/read-only/);
  } finally {
    await asking.end({ timeout: 1 });
  }
});

test("what the app's queries run can change nothing, even where a table's place is taken by what writes", async () => {
  const trapped = await createFilledReadModel();
  const stopping = createStopping(() => {});
  try {
    // The projector of the read side stands by meanwhile, and reads nothing but checkpoints and dead letters.
    expect(await takeLead(trapped.sql)).toBeNumber();
    await trapped.sql.unsafe(`
      alter table incidents rename to kept_incidents;
      create table written (n integer);
      create function write_something() returns setof kept_incidents language plpgsql as
        $$ begin insert into written values (1); return; end $$;
      create view incidents as select * from write_something()`);
    const { queries } = openReadSide({
      databaseUrl: trapped.url,
      store: storeOn(memoryLog()),
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, fatal: () => {} },
      stopping,
    });
    const page = { limit: 1, cursor: undefined };
    const project = projectA as ProjectUuid;
    // 25006: cannot execute INSERT in a read-only transaction.
    await expect(queries.incidents(project, {}, page)).rejects.toThrow("25006");
    const written = async () => (await trapped.sql`select count(*)::integer as n from written`)[0]?.n;
    expect(await written()).toBe(0);
    await trapped.queries.incidents(project, {}, page);
    expect(await written()).toBe(1);
  } finally {
    await stopping.run();
    await trapped.close();
  }
}, 30_000);

describe("in the code", () => {
  const folder = join(import.meta.dirname, "../../src/readmodel");
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

  test("what answers questions has no SQL that is not a tagged template", () => {
    const asking = files.filter(({ name }) => /quer(y|ies)|cursor|unavailable/.test(name));
    expect(asking.length).toBeGreaterThan(2);
    for (const { name, text } of asking)
      expect([name, /\bunsafe\b|\.file\(|sql\(/.test(text)]).toEqual([name, false]);
  });
});
