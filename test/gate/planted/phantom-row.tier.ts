// A row of an event that the log has not.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a phantom row",
  (report) =>
    checkAfter(report, async ({ sql }) => {
      const [row] = await sql`select * from records where webhooks = 1 order by event_id limit 1`;
      const phantom = { ...row, event_id: "00000000-0000-5000-8000-000000000000" };
      await sql`insert into records ${sql(phantom)}`;
    }),
  20_000,
);
