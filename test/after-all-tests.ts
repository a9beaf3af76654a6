// Loaded before every test run (bunfig.toml): ends what the tests of a process share, since bun:test ends a process
// without telling it; and fails each test that saw an answer of another shape than its schema's.

import { afterAll, afterEach, expect } from "bun:test";
import { misfits } from "./http/misfits.ts";
import { endTestServer } from "./postgres.ts";

afterAll(endTestServer);

afterEach(() => {
  expect(misfits.splice(0)).toEqual([]);
});
