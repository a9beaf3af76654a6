// Loaded before every test run (bunfig.toml): property tests draw from the run's seed; each test that saw an answer of
// another shape than its schema's fails; and what the tests of a process share is ended at its end, since bun:test ends a
// process without telling it.

import { afterAll, afterEach } from "bun:test";
import fc from "fast-check";
import { seed } from "./gate/run-settings.ts";
import { noMisfits } from "./http/misfits.ts";
import { endTestServer } from "./postgres.ts";

fc.configureGlobal({ seed });
afterAll(endTestServer);

afterEach(noMisfits);
// Misfits that came after the last test.
afterAll(noMisfits);
