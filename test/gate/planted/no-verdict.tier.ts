// A long test that passes and reports nothing.

import { test } from "bun:test";

test("writes no verdict", () => {});
