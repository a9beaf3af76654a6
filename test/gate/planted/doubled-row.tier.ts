// One webhook that took effect twice in the tables.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a doubled effect",
  (report) =>
    checkAfter(report, async ({ sql }) => {
      const [row] = await sql`select * from records where webhooks = 1 order by event_id limit 1`;
      await sql`insert into records ${sql({ ...row, at: "2025-01-01T00:00:00" })}`;
    }),
  20_000,
);
