// Any query and any path, through the routes down to a real read model: answered or refused in the contract's shape,
// never a fault.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { createFilledReadModel } from "../readmodel/filled-read-model.ts";
import { adminKey, createHttpSide, type HttpSide, projectA } from "./http-side.ts";

let model: Awaited<ReturnType<typeof createFilledReadModel>>;
let side: HttpSide;
beforeAll(async () => {
  model = await createFilledReadModel();
  side = await createHttpSide({ queries: model.queries });
  await model.tell(
    projectA as ProjectUuid,
    ...Array.from({ length: 30 }, (_, n) => ({
      incident_id: `i${n % 7}`,
      time: `2025-01-15T10:${String(n).padStart(2, "0")}:00Z`,
      status: n % 3 === 2 ? "up" : "down",
    })),
  );
}, 60_000);
afterAll(() => model.close());

const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "0",
    "1",
    "-1",
    "500",
    "1e3",
    "99999999999999999999999",
    "infinity",
    "\0",
    "'; drop table incidents; --",
    "2025-01-15T10:10:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "2025-02-30",
    "open",
    "recovered",
    "latest_alert",
    "project",
    "day",
    "week",
    "month",
    "UTC",
    "CET",
    "America/New_York",
    "constructor",
    projectA,
    "x".repeat(600),
    Buffer.from(JSON.stringify(["2", "2025-01-15T10:10:00.000000000Z", "1"])).toString("base64url"),
    Buffer.from(
      JSON.stringify([
        "2",
        "2025-01-15T10:10:00.000000000Z",
        "1",
        "2025-01-15T10:10:00.000000000Z",
        projectA,
      ]),
    ).toString("base64url"),
  ),
);
const names = [
  "state",
  "monitor_id",
  "repo_uuid",
  "incident_id",
  "matched_by",
  "from",
  "to",
  "basis",
  "group_by",
  "tz",
  "limit",
  "cursor",
  "min_position",
];
/** Values that the parameter can have, so that a query often gets through. */
const fitting: Readonly<Record<string, readonly string[]>> = {
  state: ["open", "recovered", "dismissed", "orphan", "unmapped"],
  group_by: ["repo", "monitor", "incident", "day", "week", "month"],
  basis: ["latest_alert", "first_alert"],
  matched_by: ["incident_id", "monitor_id", "project"],
  tz: ["UTC", "CET", "Asia/Kolkata"],
  limit: ["1", "3", "500"],
  from: ["2025-01-15T10:10:00Z", "0001-01-01T00:00:00Z"],
  to: ["2025-01-15T10:20:00Z", "9999-12-31T23:59:59.999999999Z"],
  repo_uuid: [projectA],
};
const parameter = fc
  .constantFrom(...names)
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...(fitting[name] ?? ["m1"])) }, odd),
    ),
  );
const path = fc.oneof(
  fc.constantFrom("/incidents", "/pairs", "/mttr", "/incidents/i1", "/incidents/i1/timeline"),
  odd.filter((id) => id !== "").map((id) => `/incidents/${encodeURIComponent(id)}`),
  odd.filter((id) => id !== "").map((id) => `/incidents/${encodeURIComponent(id)}/timeline`),
);

test("whatever is asked is answered or refused, and nothing is changed by it", async () => {
  const answered = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.uniqueArray(parameter, { maxLength: 4, selector: ([name]) => name }),
      async (to, query) => {
        const text = new URLSearchParams(query as [string, string][]).toString();
        const answer = await side.ask("GET", `/api/projects/${projectA}${to}?${text}`, { key: adminKey });
        answered.add(answer.status);
        expect([200, 400, 404]).toContain(answer.status);
        if (answer.status === 200) return;
        expect(Object.keys(answer.body)).toEqual(["success", "error", "details"]);
        expect(answer.text).not.toMatch(/postgres error|at file|\.ts:/i);
      },
    ),
    { numRuns: 1_500 },
  );
  expect([...answered].sort()).toEqual([200, 400, 404]);
  expect(
    (await side.ask("GET", `/api/projects/${projectA}/incidents`, { key: adminKey })).body.items,
  ).toHaveLength(7);
}, 60_000);
