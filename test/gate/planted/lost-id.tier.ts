// An acknowledged id that the log has not.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "an id lost in the log",
  (report) =>
    checkAfter(report, async ({ sent }) => {
      const [some] = sent.acknowledged.values();
      if (some === undefined) throw new Error("Nothing was acknowledged");
      const event_id = "00000000-0000-5000-8000-000000000000";
      sent.acknowledged.set(event_id, { ...some, event_id });
    }),
  20_000,
);
