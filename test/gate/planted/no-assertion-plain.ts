// An ordinary test that asserts nothing. By its name no other run picks it up.

import { test } from "bun:test";

test("asserts nothing", () => {});
