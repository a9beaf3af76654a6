// The questions that the fold of sources asks of the store that holds its tables.

import type { Instant } from "../../src/domain/instant.ts";

export interface SourceCountKey {
  readonly project_uuid: string;
  readonly source: string;
  /** `recorded`, `quarantined`, or the cause for which something was ignored. */
  readonly outcome: string;
}

export interface SourceCount extends SourceCountKey {
  readonly count: number;
  readonly last_seen: Instant;
}

export interface QuarantinedPayload {
  readonly quarantine_id: string;
  readonly project_uuid: string;
  readonly source: string;
  readonly received_at: Instant;
  readonly unknown_status: string | null;
}

export interface SourcesStore {
  readonly counts: (keys: readonly SourceCountKey[]) => Promise<readonly SourceCount[]>;
  readonly quarantined: (ids: readonly string[]) => Promise<readonly QuarantinedPayload[]>;
}
