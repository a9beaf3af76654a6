// Loaded before every test run (bunfig.toml): ends what the tests of a process share. bun:test ends a process without
// telling it.

import { afterAll } from "bun:test";
import { endTestServer } from "./postgres.ts";

afterAll(endTestServer);
