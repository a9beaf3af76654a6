// A test that does not run.

import { describe, test } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const reported = reportedTests(import.meta.path);

reported.test("runs", () => {});
describe.each([["skip"]] as const)("%s", (how) => test[how]("does not run", () => {}));
