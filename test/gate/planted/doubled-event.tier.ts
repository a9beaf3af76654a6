// One event that the log has twice. It stays there: whoever plants other faults does so before.

import { connectEventStore } from "../../../src/eventstore/client.ts";
import { quiet } from "../../eventstore/adapter-store.ts";
import { eventsOf } from "../../faults/checker.ts";
import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test(
  "a doubled event",
  (report) =>
    checkAfter(report, async ({ scene }) => {
      const store = connectEventStore({ url: scene.eventstoreUrl, log: quiet });
      const [first] = await eventsOf(store, scene.project);
      if (first === undefined) throw new Error("The log is empty");
      const { id, type, data, metadata } = first;
      const event = { id, type, data, metadata } as Parameters<typeof store.append>[1][number];
      const appended = await store.append(`${first.stream}again`, [event], "any");
      await store.close();
      if (appended.tag !== "appended") throw new Error(`It was not appended: ${appended.tag}`);
    }),
  20_000,
);
