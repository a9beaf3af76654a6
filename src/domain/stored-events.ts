// The events the ledger appends, as they lie in the event store, and the streams they lie in. Pure.

import type { IncidentId, ProjectUuid } from "./ids.ts";
import { ignoredStreamPrefix, type WebhooksIgnored } from "./ignored-webhooks.ts";
import { type LogEvent, logStream } from "./log-started.ts";
import { type PayloadQuarantined, type QuarantineRedriven, quarantineStreamPrefix } from "./quarantine.ts";
import type { Quota } from "./quota.ts";
import type { Kind, Matching } from "./signal.ts";

/** An event read back from the event store. `data` and `metadata` are unchecked JSON. */
export interface RecordedEvent {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: bigint;
  /** Commit position in the store's global log. */
  readonly position: bigint;
  readonly recorded_at: Date;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An event about to be appended. Metadata is flat, string to string. */
export interface NewEvent {
  readonly id: string;
  readonly type: (StoredEvent | LogEvent)["type"];
  readonly data: (StoredEvent | LogEvent)["data"];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * `IncidentSignalRecorded`, in the incident's own stream. Optional fields are absent, never null.
 * Metadata: `$correlationId` (request id), `$causationId`, `source`, `received_at` (Instant), `key_id`.
 */
export interface IncidentSignalRecorded {
  readonly project_uuid: string;
  readonly incident_id: string;
  /** As it came. */
  readonly status: string;
  /** Canonical Instant text. */
  readonly incident_time: string;
  /** Present as "received" where the webhook named no time. */
  readonly incident_time_basis?: "received";
  /** Present where the source itself decided the kind; it then goes before any word table. `null`: none. */
  readonly kind?: Kind;
  /**
   * Whether the sender uses one incident_id for an alert and for its end. Absent from events recorded before sources
   * said it: see `isExactSource`.
   */
  readonly exact?: boolean;
  /** Present where an ALERT may only be telling an open alert again. */
  readonly reminder?: true;
  /** Canonical Instant text: when a RECOVERY says that its outage began. */
  readonly started_at?: string;
  readonly monitor_name?: string;
  readonly monitor_id?: string;
  readonly repo_uuid?: string;
  readonly message?: string;
  readonly local_time?: string;
  readonly timezone?: string;
  /** The body (or this signal's element of a grouped body) verbatim. */
  readonly payload: string;
  /** Present where the body was not UTF-8: the charset by which its bytes became this text. */
  readonly charset?: string;
  /** True where the body was broken JSON and the tolerant reader read it. */
  readonly repaired?: true;
}

/**
 * Whether the signals of a source are exact where the source itself does not say so. The contract's route and `fields`
 * take what any sender makes up; every tool's own webhook names the alert that it ends.
 */
export const isExactSource = (source: string): boolean => source !== "contract" && source !== "fields";

export type Scope = "ingest" | "read";

export interface ProjectRegistered {
  readonly project_uuid: string;
  readonly name: string;
  readonly created_at: string;
}
export interface ProjectChanged {
  readonly project_uuid: string;
  readonly name?: string;
  readonly matching?: Matching;
}
export interface RepositoryRegistered {
  readonly repo_uuid: string;
  readonly project_uuid: string;
  readonly name: string;
  readonly created_at: string;
}
export interface ApiKeyIssued {
  readonly key_id: string;
  readonly project_uuid: string;
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the secret, lower-case hex. The secret itself is never stored. */
  readonly sha256: string;
  readonly expires_at: string | null;
  readonly created_at: string;
  /** Sealed (src/intake/sealing.ts). Absent where the key has none. */
  readonly signing_secrets?: readonly string[];
  /** Absent where it has none, as in events of before there were quotas. */
  readonly quota?: Quota;
}
/** From now on; null: none. */
export interface ApiKeyQuotaSet {
  readonly key_id: string;
  readonly project_uuid: string;
  readonly quota: Quota | null;
}
export interface ApiKeyRevoked {
  readonly key_id: string;
  readonly project_uuid: string;
  readonly revoked_at: string;
}
/** Replaces the project's whole table. Keys are normalised words (domain/status.ts). */
export interface StatusesMapped {
  readonly project_uuid: string;
  readonly mappings: Readonly<Record<string, "ALERT" | "RECOVERY">>;
}

/** Every event that the read model is built from, by its type name. */
export type StoredEvent =
  | { readonly type: "IncidentSignalRecorded"; readonly data: IncidentSignalRecorded }
  | { readonly type: "ProjectRegistered"; readonly data: ProjectRegistered }
  | { readonly type: "ProjectChanged"; readonly data: ProjectChanged }
  | { readonly type: "RepositoryRegistered"; readonly data: RepositoryRegistered }
  | { readonly type: "ApiKeyIssued"; readonly data: ApiKeyIssued }
  | { readonly type: "ApiKeyQuotaSet"; readonly data: ApiKeyQuotaSet }
  | { readonly type: "ApiKeyRevoked"; readonly data: ApiKeyRevoked }
  | { readonly type: "StatusesMapped"; readonly data: StatusesMapped }
  | { readonly type: "PayloadQuarantined"; readonly data: PayloadQuarantined }
  | { readonly type: "QuarantineRedriven"; readonly data: QuarantineRedriven }
  | { readonly type: "WebhooksIgnored"; readonly data: WebhooksIgnored };

export const registryStream = "registry";
export const incidentStreamPrefix = "incident-";

/**
 * What the name of every stream begins with that this service appends to, also of those that no projection reads: whoever
 * follows them all comes past every position that an answer carries.
 */
export const ownStreamPrefixes: readonly string[] = [
  incidentStreamPrefix,
  registryStream,
  quarantineStreamPrefix,
  ignoredStreamPrefix,
  logStream,
];

/**
 * `incident-<project_uuid>.<encodeURIComponent(incident_id)>`. A lone surrogate, which has no UTF-8, is written as the
 * three bytes that UTF-8 would write it as (WTF-8: `%ED%A0%80` for U+D800): no other text is written so, and
 * `/incidents/{incident_id}` takes the same. Before, it was written as U+FFFD: see `streamsOfIncident`.
 */
export const incidentStream = (project: ProjectUuid, incident: IncidentId): string =>
  `${incidentStreamPrefix}${project}.${incident.isWellFormed() ? encodeURIComponent(incident) : encodedWithSurrogates(incident)}`;

/**
 * All streams that may hold the incident's events, in the order in which they were written to. The oldest events of an
 * incident_id with lone surrogates lie in the stream of the id that has U+FFFD in their place, among that one's own:
 * whoever reads must look at each event's incident_id. A webhook of them that is sent again now lies in both streams,
 * with one event id.
 */
export const streamsOfIncident = (project: ProjectUuid, incident: IncidentId): readonly string[] => {
  const stream = incidentStream(project, incident);
  if (incident.isWellFormed()) return [stream];
  return [`${incidentStreamPrefix}${project}.${encodeURIComponent(incident.toWellFormed())}`, stream];
};

const encodedWithSurrogates = (text: string): string =>
  [...text]
    .map((character) => {
      if (character.isWellFormed()) return encodeURIComponent(character);
      const code = character.charCodeAt(0);
      return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
        .map((byte) => `%${byte.toString(16).toUpperCase()}`)
        .join("");
    })
    .join("");

/** Whose stream it is: a project's for incidents and quarantines, the stream's own name for any other. */
export function projectOfStream(stream: string): string {
  const end = stream.indexOf(".");
  return stream.slice(stream.indexOf("-") + 1, end < 0 ? undefined : end);
}
