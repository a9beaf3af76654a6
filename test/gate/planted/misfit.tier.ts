// An answer of another shape than its schema's, whose error a test swallows.

import { expect } from "bun:test";
import { heldToSchema } from "../../http/answer-check.ts";
import { reportedTests } from "../reported-test.ts";

const { test } = reportedTests(import.meta.path);

test("swallows a misfit", async (report) => {
  report.tried({ answers: 1 });
  const handle = heldToSchema(async () => Response.json({ live: true, version: "1.2.3", more: 1 }));
  const answer = await handle(new Request("http://ledger/health/live")).catch(() => undefined);
  expect(answer).toBeUndefined();
});
