// What one webhook (or one element of a grouped webhook) says about one incident. Pure types.

import type { IncidentId, ProjectUuid, RepoUuid } from "./ids.ts";
import type { Instant } from "./instant.ts";

/** A signal's mapped status; `null` where the status is none of these and is kept as it came. */
export type Kind = "ALERT" | "RECOVERY" | "DISMISSAL" | "ACKNOWLEDGEMENT" | null;

/** The kinds that a word can be mapped to. */
export type MappedKind = "ALERT" | "RECOVERY";

/** How a pair's recovery was found (pairing rules 3 and 4). */
export type MatchedBy = "incident_id" | "monitor_id" | "project";

/** How far rule 4 may look for an orphan's outage: not at all, by monitor, or in the whole project. */
export type Matching = "incident" | "monitor" | "project";

/** Where a signal's time comes from: the webhook, or the moment of receipt where it names none. */
export type TimeBasis = "incident_time" | "received";

/** The fields a sender gives, read and validated. Empty strings stay; absent fields are absent. */
export interface SignalFields {
  readonly incident_id: IncidentId;
  /** As sent (trimmed of nothing). */
  readonly status: string;
  readonly incident_time: Instant;
  readonly monitor_name?: string;
  readonly monitor_id?: string;
  readonly repo_uuid?: RepoUuid;
  readonly message?: string;
  readonly local_time?: string;
  readonly timezone?: string;
}

/** A signal as the ledger holds it: what pairing works on. */
export interface Signal extends SignalFields {
  readonly event_id: string;
  readonly project_uuid: ProjectUuid;
  readonly kind: Kind;
  readonly received_at: Instant;
  readonly source: string;
}
