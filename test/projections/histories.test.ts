import { reportedTests } from "../gate/reported-test.ts";
import { testAnyHistory, testToldHistories, useDatabase } from "./any-history.ts";

const { test } = reportedTests(import.meta.path);
useDatabase();
testAnyHistory(test, 25);
testToldHistories(test);
