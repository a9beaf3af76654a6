// Loaded before every test run (bunfig.toml): a test that comes to no assertion fails. A loop over nothing, or a callback
// that nobody calls, proves nothing. Long tests may run beside each other, where bun cannot count assertions: theirs are
// counted by `reportedTests`, of those that run alone.

import { beforeEach, expect } from "bun:test";

beforeEach(() => {
  if (!process.argv[1]?.endsWith(".tier.ts")) expect.hasAssertions();
});
