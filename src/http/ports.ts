// What the HTTP side needs of the rest. Types only; src/app brings the implementations.

import type { Page } from "../answers/field.ts";
import type {
  Basis,
  GroupBy,
  IncidentDetail,
  IncidentItem,
  IncidentState,
  MttrAnswer,
  PairItem,
  TimelineItem,
} from "../answers/incidents.ts";
import type { AllRedriven, DeadLetterItem, ReadyAnswer } from "../answers/operations.ts";
import type { SourceActivity, UnknownStatus } from "../answers/sources.ts";
import type { QuarantineItem } from "../answers/webhooks.ts";
import type { Sessions } from "../authentication/sessions.ts";
import type { SignInLinks } from "../authentication/sign-in-links.ts";
import type { ProjectUuid, RepoUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Project } from "../domain/registry.ts";
import type { MatchedBy } from "../domain/signal.ts";
import type { RecordedEvent } from "../domain/stored-events.ts";
import type { NativeWebhook } from "../intake/native-payload.ts";
import type { KeepContext, KeepOutcome, KeepReason } from "../intake/quarantine.ts";
import type { Quotas } from "../intake/quotas.ts";
import type { NativeContext, NativeOutcome, NativeReading, StatusWords } from "../intake/receive-native.ts";
import type { RecordSignals } from "../intake/record-webhook.ts";
import type { MappedRedrive } from "../intake/redrive-mapped.ts";
import type { RedriveOutcome } from "../intake/redrive-quarantined.ts";
import type { RegistryService } from "../intake/registry.ts";
import type { Sns } from "../intake/verify-sns.ts";
import type { Source } from "../sources/source.ts";

/** `after` is what an earlier page's `next_cursor` said, decoded: opaque to HTTP. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

export interface IncidentFilter {
  readonly state?: IncidentState;
  readonly monitor_id?: string;
  readonly repo_uuid?: RepoUuid;
  readonly from?: Instant;
  readonly to?: Instant;
}

export interface PairFilter {
  readonly state?: "open" | "recovered" | "dismissed";
  readonly incident_id?: string;
  readonly monitor_id?: string;
  readonly repo_uuid?: RepoUuid;
  readonly matched_by?: MatchedBy;
  readonly from?: Instant;
  readonly to?: Instant;
}

export interface MttrRequest {
  readonly basis: Basis;
  readonly from?: Instant;
  readonly to?: Instant;
  readonly matched_by?: MatchedBy;
  readonly repo_uuid?: RepoUuid;
  readonly monitor_id?: string;
  readonly group_by?: GroupBy;
  /** IANA name. */
  readonly tz: string;
  /** Of the groups; the largest page where it is absent. */
  readonly page?: PageRequest;
}

/**
 * Every function may throw: an Error named `ReadModelUnavailable` where Postgres cannot be asked now, and one named
 * `BadCursor` for a cursor that is not from here; mttr one named `UnknownTimeZone`, where Postgres knows no such one.
 */
export interface Queries {
  readonly incidents: (
    project: ProjectUuid,
    filter: IncidentFilter,
    page: PageRequest,
  ) => Promise<Page<IncidentItem>>;
  /** `cursor` is the `outages_next` of an answer before. */
  readonly incident: (
    project: ProjectUuid,
    incidentId: string,
    cursor?: string,
  ) => Promise<IncidentDetail | undefined>;
  /** Undefined where the project has no such incident. */
  readonly timeline: (
    project: ProjectUuid,
    incidentId: string,
    page: PageRequest,
  ) => Promise<Page<TimelineItem> | undefined>;
  readonly pairs: (project: ProjectUuid, filter: PairFilter, page: PageRequest) => Promise<Page<PairItem>>;
  readonly mttr: (project: ProjectUuid, request: MttrRequest) => Promise<MttrAnswer>;
  readonly deadLetters: (page: PageRequest) => Promise<Page<DeadLetterItem>>;
  readonly sources: (project: ProjectUuid) => Promise<Page<SourceActivity>>;
  /** `mappings` are the project's own words, for the suggestions. */
  readonly unknownStatuses: (
    project: ProjectUuid,
    mappings: Project["mappings"],
    page: PageRequest,
  ) => Promise<Page<UnknownStatus>>;
  /** key_id -> when the key last recorded a webhook. */
  readonly keyUsage: (project: ProjectUuid) => Promise<ReadonlyMap<string, Instant>>;
}

/** A change in a project, announced once queries show it. */
export interface ProjectChange {
  readonly about: "incident" | "quarantine" | "settings";
  /** Null where it is about no incident. */
  readonly incident: string | null;
  /** Of the event that changed it. */
  readonly position: bigint;
}

export interface ProjectChanges {
  /**
   * Calls `take` with what changes in the project from now on, until `end`, first with what has changed after the
   * position. `missed`: some of that is not known any more, or no position was given. `position`: how far it has come.
   */
  readonly follow: (
    project: ProjectUuid,
    options: {
      readonly after: bigint | undefined;
      readonly take: (changes: readonly ProjectChange[]) => void;
    },
  ) => Promise<{ readonly missed: boolean; readonly position: bigint; readonly end: () => void }>;
}

/** Tries dead letters again. Each may throw an Error named `ReadModelUnavailable`. */
export interface DeadLetterRedrive {
  /** Undefined where there is no dead letter at the position. `waiting`: no projector has taken it up yet. */
  readonly one: (
    position: bigint,
  ) => Promise<
    | { readonly tag: "applied" }
    | { readonly tag: "failing"; readonly reason: string }
    | { readonly tag: "waiting"; readonly reason: string }
    | undefined
  >;
  readonly all: () => Promise<AllRedriven>;
}

export interface RequestLog {
  readonly debug: (details: object, message: string) => void;
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
}

export interface HttpDependencies {
  readonly registry: RegistryService;
  /** The dashboard's. */
  readonly sessions: Sessions;
  readonly signInLinks: SignInLinks;
  readonly changes: ProjectChanges;
  readonly quotas: Quotas;
  readonly record: RecordSignals;
  readonly queries: Queries;
  readonly deadLetters: DeadLetterRedrive;
  /** Whether the read model holds everything up to the position, waiting at most `timeoutMs`. */
  readonly waitFor: (position: bigint, timeoutMs: number) => Promise<boolean>;
  /**
   * The position up to which everything of the project lies that this process had acknowledged when it was asked, once it
   * is all in the event store; undefined where that takes longer than `timeoutMs`.
   */
  readonly acknowledgedUpTo: (project: ProjectUuid, timeoutMs: number) => Promise<bigint | undefined>;
  /** Whether the event store's log has come to the position, waiting at most `timeoutMs`. */
  readonly holdsUpTo: (position: bigint, timeoutMs: number) => Promise<boolean>;
  readonly replayIncident: (project: ProjectUuid, incidentId: string) => AsyncIterable<RecordedEvent>;
  readonly replayProject: (project: ProjectUuid) => AsyncIterable<RecordedEvent>;
  /** By name; the service is ready when all are ok. */
  readonly dependencies: () => Promise<ReadyAnswer["dependencies"]>;
  /** Why no webhook can be acknowledged now; undefined where one can, be it from the spool. */
  readonly takesWebhooks: () => Promise<string | undefined>;
  readonly metrics: Metrics;
  /** What /metrics asks for; undefined: everybody may read them. */
  readonly metricsKey: string | undefined;
  readonly log: RequestLog;
  readonly now: () => Instant;
  readonly newRequestId: () => string;
  readonly maxBodyBytes: number;
  readonly version: string;
  readonly native: NativePort;
  /** Keeps what the contract's route refuses, with its answer, in the quarantine of the context's project. */
  readonly keepRefused: (
    webhook: NativeWebhook,
    reason: KeepReason,
    context: KeepContext,
  ) => Promise<KeepOutcome>;
}

/** The monitoring tools' own webhooks. */
export interface NativePort {
  readonly sources: readonly Pick<Source, "name" | "title" | "documentation" | "setup">[];
  readonly receive: (webhook: NativeWebhook, context: NativeContext) => Promise<NativeOutcome>;
  readonly preview: (webhook: NativeWebhook, words: StatusWords) => NativeReading;
  /** Whether SNS must have signed the webhook; it says so in its body alone. */
  readonly isSignedBySns: (webhook: NativeWebhook) => boolean;
  readonly checkSns: Sns["check"];
  /** Undefined for a cursor that is not from here. Throws EventLogUnavailable. */
  readonly quarantine: (
    project: ProjectUuid,
    page: { readonly limit: number; readonly cursor?: string },
  ) => Promise<Page<QuarantineItem> | undefined>;
  /** Throws EventLogUnavailable. */
  readonly redrive: (
    asked: { readonly quarantine_id: string; readonly source?: string; readonly now: Instant },
    context: NativeContext,
  ) => Promise<RedriveOutcome>;
  /** Reads again what waits for a word that is mapped now; answers how many were recorded. Throws EventLogUnavailable. */
  readonly redriveMapped: (asked: MappedRedrive) => Promise<number>;
}

/** Why a webhook is not acknowledged. */
export type Rejection =
  | "unauthorized"
  | "bad_signature"
  | "rate_limited"
  /** A tool's own webhook that nobody can read, beyond what its project's quarantine takes in a day. */
  | "quarantine_full"
  | "invalid"
  | "too_large"
  | "unknown_project"
  | "unknown_repository"
  | "unknown_source"
  /** Too many are being handled; counted before it is known who sends it, or for which source. */
  | "overloaded"
  /** Neither the event store nor the spool takes it, or the registry has not been read. */
  | "unavailable"
  | "fault";

/** What the routes count. `text` is the Prometheus exposition. */
export interface Metrics {
  /** One that was acknowledged: `stored`, `spooled`, `ignored`, `quarantined` or `test`. */
  readonly webhook: (labels: { outcome: string; kind: string; source: string }) => void;
  readonly rejected: (labels: { reason: Rejection; source: string }) => void;
  readonly repaired: () => void;
  /** One element of a webhook was ignored; `cause` is one of few words. */
  readonly ignored: (source: string, cause: string) => void;
  /** Of payloads for a project's quarantine. */
  readonly quarantine: (labels: {
    readonly outcome: "kept" | "full" | "too_large" | "unavailable";
    readonly source: string;
  }) => void;
  /** So many alerts were left out of a group by the tool itself. */
  readonly leftOut: (source: string, count: number) => void;
  readonly unknownStatus: () => void;
  readonly appended: (seconds: number) => void;
  readonly request: (labels: { method: string; route: string; status: number }, seconds: number) => void;
  readonly text: () => Promise<{ readonly contentType: string; readonly body: string }>;
}
