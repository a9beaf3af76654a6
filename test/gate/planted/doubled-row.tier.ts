// One webhook that took effect twice in the tables.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a doubled effect",
  (report) =>
    checkAfter(report, async ({ sql }) => {
      const [row] = await sql`select * from signals order by event_id limit 1`;
      await sql`insert into signals ${sql({ ...row, incident_time: "2025-01-01T00:00:00.000Z" })}`;
    }),
  20_000,
);
