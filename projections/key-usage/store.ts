// What the fold of key usage asks of the store that holds its table.

import type { Instant } from "../../src/domain/instant.ts";

export interface KeyUsageStore {
  readonly lastUsed: (keys: readonly string[]) => Promise<ReadonlyMap<string, Instant>>;
}
