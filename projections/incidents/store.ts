// What the fold asks of the store that holds its tables: rows by key, and by their place in time. It knows no rule.
// Everything is as the tables stand before the batch. Any function may throw what the store has against it.

import type { Instant } from "../../src/domain/instant.ts";
import type { Alerts, Counts, Tail } from "../../src/domain/pairing.ts";
import type { IncidentRecord, Webhook } from "../../src/domain/records.ts";
import type { MappedKind, Matching } from "../../src/domain/signal.ts";

/** A webhook with its texts as numbers of words. */
export interface SignalWebhook extends Webhook {
  readonly position: string;
  readonly status: number;
  readonly source: number;
  /** Whether a status mapping decides the kind. */
  readonly by_word: boolean;
  readonly monitor_id: number | null;
  readonly monitor_name: number | null;
  readonly repo_uuid: number | null;
  readonly message: string | null;
  readonly local_time: string | null;
  readonly timezone: number | null;
}

/**
 * Of a record that was loaded `first` and `started` hold what rules ask of them, and of the rest what `last` has; the
 * whole of each webhook is asked for where a record has several.
 */
export type SignalRecord = IncidentRecord<SignalWebhook>;

/** Where one incident stands. */
export interface Incident {
  readonly incident: number;
  readonly incident_key: string;
  readonly project: number;
  /** Exactly as sent. */
  readonly incident_id: string;
  readonly counts: Counts;
  readonly webhooks: number;
  readonly first_time: Instant;
  readonly last_time: Instant;
  /** The latest incident_time. */
  readonly newest: Instant;
  readonly monitor_id: number | null;
  readonly monitor_name: number | null;
  readonly repo_uuid: number | null;
  /** By the incident's own records. */
  readonly tail: Tail;
  /** Whether a DISMISSAL ended the last outage that an own record ended. */
  readonly is_dismissed: boolean;
  /** Outages that orphans ended, all of them parts of the tail's open outage. */
  readonly matched: number;
  /** The last of these orphans; null where there is none. */
  readonly matched_until: Instant | null;
  /** What they left of the open outage. */
  readonly rest: Alerts | null;
}

export interface Settings {
  readonly matching: Matching;
  readonly mappings: Readonly<Record<string, MappedKind>>;
}

/** `incident_id` exactly as sent. */
export interface IncidentName {
  readonly project_uuid: string;
  readonly incident_id: string;
}

export interface MomentKey {
  readonly incident: number;
  readonly incident_time: Instant;
}

export interface OrphanRow {
  readonly incident: number;
  readonly at: Instant;
  readonly project: number;
  readonly event_id: string;
  readonly monitor_id: number | null;
  readonly matched_incident: number | null;
  readonly matched_by: "monitor_id" | "project" | null;
  /** Exactly as sent. */
  readonly incident_id: string;
}

export interface IncidentsStore {
  /** The largest numbers given so far. */
  readonly numbers: () => Promise<{ readonly incidents: number; readonly words: number }>;
  readonly words: (texts: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly texts: (words: readonly number[]) => Promise<ReadonlyMap<number, string>>;
  readonly settings: (projects: readonly number[]) => Promise<ReadonlyMap<number, Settings>>;
  /** The first 16 bytes of SHA-256 over project, NUL and the exact incident_id, written as a UUID. */
  readonly incidentKey: (id: IncidentName) => string;
  readonly incidentsById: (ids: readonly IncidentName[]) => Promise<readonly Incident[]>;
  readonly incidentsByNumber: (numbers: readonly number[]) => Promise<readonly Incident[]>;
  readonly recordsAt: (
    moments: readonly MomentKey[],
  ) => Promise<readonly { readonly incident: number; readonly record: SignalRecord }[]>;
  /** Of records that have several: all of these moments. */
  readonly webhooksAt: (
    moments: readonly MomentKey[],
  ) => Promise<readonly { readonly incident: number; readonly webhook: SignalWebhook }[]>;
  /** Of records that have several: those with these ids. */
  readonly webhooksOf: (
    webhooks: readonly (MomentKey & { readonly event_id: string })[],
  ) => Promise<readonly { readonly incident: number; readonly webhook: SignalWebhook }[]>;
  /** In timeline order, those after a moment; at least `atLeast`, where there are more, and all of the last one's time. */
  readonly timeline: (
    incident: number,
    after: Instant | null,
    atLeast: number,
  ) => Promise<readonly SignalRecord[]>;
  /** The ends of outages that own records ended, in order, the first `atMost` after a moment. */
  readonly ownEnds: (incident: number, after: Instant | null, atMost: number) => Promise<readonly Instant[]>;
  /** The last outage that an own record ended before a moment. */
  readonly ownEndBefore: (
    incident: number,
    before: Instant,
  ) => Promise<{ readonly ended_at: Instant; readonly is_dismissed: boolean } | undefined>;
  /** First and last effective time of an incident's records but those with these ids. */
  readonly bounds: (
    incident: number,
    but: readonly string[],
  ) => Promise<{ readonly first: Instant; readonly last: Instant } | undefined>;
  /** The last of an incident's records, but those with these ids, that gives the name. */
  readonly lastNaming: (
    incident: number,
    name: "monitor_id" | "monitor_name" | "repo_uuid",
    but: readonly string[],
  ) => Promise<SignalRecord | undefined>;
  /** Moments of a project's webhooks whose kind a word decides, with these statuses. */
  readonly statusesByWord: (project: number) => Promise<readonly number[]>;
  readonly momentsWithStatus: (project: number, statuses: readonly number[]) => Promise<readonly MomentKey[]>;
  readonly orphansOf: (incidents: readonly number[]) => Promise<readonly OrphanRow[]>;
  /** Of each project those from a moment on. */
  readonly orphansFrom: (
    asked: readonly { readonly project: number; readonly since: Instant }[],
  ) => Promise<readonly OrphanRow[]>;
  /** The last orphan before a moment that ended a part of the incident's open outage. */
  readonly lastMatchBefore: (incident: number, before: Instant) => Promise<Instant | undefined>;
  /**
   * For each orphan of a project the incidents whose shown outage, none of whose ALERTs is exact, may be the best, but
   * these incidents: those with ALERTs on both sides of the moment, and of those whose ALERTs are all at or before it the
   * one with the latest, each time for the monitor, for none, and (where the monitor is null) for any.
   */
  readonly candidates: (
    project: number,
    orphans: readonly Pick<OrphanRow, "at" | "monitor_id">[],
    but: readonly number[],
  ) => Promise<readonly (readonly number[])[]>;
}
