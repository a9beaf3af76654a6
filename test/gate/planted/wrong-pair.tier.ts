// An outage that is paired with another recovery than the rules say.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a wrong pair",
  (report) =>
    checkAfter(report, async ({ sql }) => {
      const changed = await sql`
        update outages set end_event_id = alert_event_id
        where ctid = (select ctid from outages where recovery_us is not null limit 1)`;
      if (changed.count !== 1) throw new Error("No pair is there to be changed");
    }),
  20_000,
);
