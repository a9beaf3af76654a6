import { reportedTests } from "../gate/reported-test.ts";
import { testAnyHistory, testRenamedOutage, useDatabase } from "./any-history.ts";

const { test } = reportedTests(import.meta.path);
useDatabase();
testAnyHistory(test, 25);
testRenamedOutage(test);
