// The shapes the query side answers with, field for field as clients depend on them. Times are RFC 3339 UTC
// with milliseconds and Z; durations are seconds. Pure types: readmodel fills them, http describes them.

import type { Kind, MatchedBy } from "./signal.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export type IncidentState = "open" | "recovered" | "orphan" | "unmapped";
export type Basis = "latest_alert" | "first_alert";
export type GroupBy = "repo" | "monitor" | "incident" | "day" | "week" | "month";
export type Grade = "elite" | "high" | "medium" | "low";

export interface IncidentItem {
  readonly incident_id: string;
  readonly state: IncidentState;
  readonly monitor_id: string | null;
  readonly monitor_name: string | null;
  readonly repo_uuid: string | null;
  readonly first_time: string;
  readonly last_time: string;
  /** Records, not webhooks. */
  readonly alerts: number;
  readonly recoveries: number;
  readonly outages: number;
  readonly webhooks: number;
}

export interface PairItem {
  readonly incident_id: string;
  readonly monitor_id: string | null;
  readonly monitor_name: string | null;
  readonly repo_uuid: string | null;
  readonly first_alert_at: string;
  readonly latest_alert_at: string;
  readonly alerts: number;
  readonly recovered_at: string | null;
  /** Recovery minus the latest alert. */
  readonly recovery_seconds: number | null;
  /** Recovery minus the first alert. */
  readonly outage_seconds: number | null;
  readonly matched_by: MatchedBy | null;
  readonly recovered_at_basis: "incident_time" | "received" | null;
  /** The latest alert's event. */
  readonly alert_event_id: string;
  readonly recovery_event_id: string | null;
}

/** GET .../incidents/{incident_id}: the `outages` count of the list gives way to the outages themselves. */
export type IncidentDetail = Omit<IncidentItem, "outages"> & { readonly outages: readonly PairItem[] };

export interface TimelineItem {
  readonly event_id: string;
  readonly position: string;
  readonly incident_time: string;
  readonly effective_time: string;
  readonly received_at: string;
  readonly status: string;
  readonly kind: Kind;
  readonly monitor_name: string | null;
  readonly monitor_id: string | null;
  readonly repo_uuid: string | null;
  readonly message: string | null;
  readonly local_time: string | null;
  readonly timezone: string | null;
  readonly source: string;
  readonly webhooks: number;
}

export interface RecoveryFigures {
  readonly n: number;
  readonly open: number;
  readonly mean_seconds: number | null;
  readonly median_seconds: number | null;
  readonly p90_seconds: number | null;
  readonly p95_seconds: number | null;
  readonly min_seconds: number | null;
  readonly max_seconds: number | null;
  readonly grade: Grade | null;
  readonly matched_by: Readonly<Record<MatchedBy, number>>;
}

export interface MttrAnswer extends RecoveryFigures {
  readonly basis: Basis;
  readonly from: string | null;
  readonly to: string | null;
  /** Commit position the figures were computed at, decimal. */
  readonly position: string;
  readonly groups?: readonly (RecoveryFigures & { readonly key: string | null })[];
}
