// A long test that holds and does not say what it tried.

import { expect } from "bun:test";
import { reportedTests } from "../reported-test.ts";

const { random, test } = reportedTests(import.meta.path);

test("says nothing", () => expect(random.seed).toBe(11));
