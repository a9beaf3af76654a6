// A row that the tables lost.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a row lost in a table",
  (report) =>
    checkAfter(
      report,
      ({ sql }) =>
        sql`delete from records where event_id = (select event_id from records where webhooks = 1 order by event_id limit 1)`,
    ),
  20_000,
);
