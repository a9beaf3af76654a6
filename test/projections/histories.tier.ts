// The quick test of any history in any order, with 10,000 histories.

import { reportedTests } from "../gate/reported-test.ts";
import { testAnyHistory, useDatabase } from "./any-history.ts";

const { test } = reportedTests(import.meta.path);
useDatabase();
testAnyHistory(test, 250);
