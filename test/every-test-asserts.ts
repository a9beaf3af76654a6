// Loaded before every test run (bunfig.toml): a test that comes to no assertion fails. A loop over nothing, or a callback
// that nobody calls, proves nothing.

import { beforeEach, expect } from "bun:test";

beforeEach(() => {
  expect.hasAssertions();
});
