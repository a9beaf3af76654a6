// No fault: what holds is told apart from what does not.

import { reportedTests } from "../reported-test.ts";
import { checkAfter } from "./scene.ts";

const { test } = reportedTests(import.meta.path);

test("nothing is planted", (report) => checkAfter(report, async () => {}), 20_000);
