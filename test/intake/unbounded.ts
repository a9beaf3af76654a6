// Quarantines that take whatever comes, for tests of something else.

import { createQuarantineBounds } from "../../src/intake/quarantine-bounds.ts";

export const unbounded = createQuarantineBounds({ nowMs: () => 0, entriesPerDay: 0, bytesPerDay: 0 });
