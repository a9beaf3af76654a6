// What a source is: the module that reads one monitoring tool's webhook. Sees a payload, never a request or a store.

import type { TSchema } from "@sinclair/typebox";
import type { Instant } from "../domain/instant.ts";
import type { Kind, MappedKind, TimeBasis } from "../domain/signal.ts";

/** A webhook's content, parsed as far as its shape allows, and the few headers sources may look at. */
export interface SourcePayload {
  /**
   * Parsed JSON, in which a whole number beyond 2^53 is the text of its digits (json-text.ts); for a form or a query
   * string, an object of its fields (strings).
   */
  readonly body: unknown;
  /** The body's text as it came. */
  readonly text: string;
  /** Lower-case header names. Never holds X-API-Key, Authorization or Cookie. */
  readonly headers: Readonly<Record<string, string>>;
  /** The URL's query parameters, without the token. */
  readonly query: Readonly<Record<string, string>>;
  readonly received_at: Instant;
  /** The project's status mapping, for words that the tool's own table lacks; absent: none. */
  readonly words?: Readonly<Record<string, MappedKind>>;
}

/** One signal read from a native payload. */
export interface SourceSignal {
  readonly incident_id: string;
  /** The tool's own word, as it came. */
  readonly status: string;
  /**
   * The source's decision, made by the tool's own table; absent where the words are the sender's own, so that the
   * project's status mapping and the ingest contract's table decide.
   */
  readonly kind?: Kind;
  readonly incident_time: Instant;
  readonly time_basis: TimeBasis;
  /** Whether the sender uses this incident_id for the alert and for its end; absent: as the source has it. */
  readonly exact?: boolean;
  /** Where this is an ALERT, it may only be telling an open alert again. */
  readonly reminder?: true;
  /** When a RECOVERY says that its outage began; earlier than incident_time. */
  readonly started_at?: Instant;
  readonly monitor_name?: string;
  readonly monitor_id?: string;
  readonly message?: string;
  readonly local_time?: string;
  readonly timezone?: string;
  /** This signal's own part of a grouped payload, verbatim; absent where the whole text is this signal. */
  readonly payload?: string;
}

/**
 * Why something is not recorded, in a word of which there are few, so that they can be counted. `no_change`: it neither
 * begins nor ends an incident, nor takes one on.
 */
export type IgnoredCause =
  | "test"
  | "not_production"
  | "maintenance"
  | "handshake"
  | "no_change"
  | "other_event";

export interface IgnoredElement {
  readonly reason: string;
  readonly cause: IgnoredCause;
}

/** Signals and ignored elements may come together in a group; an unrecognised element makes the whole unrecognised. */
export type Reading =
  | {
      readonly tag: "signals";
      readonly signals: readonly SourceSignal[];
      readonly ignored: readonly IgnoredElement[];
      /** How many alerts the tool says that it left out of the group, where it left out any. */
      readonly left_out?: number;
    }
  | ({ readonly tag: "ignored" } & IgnoredElement)
  | Unrecognised;

export interface Unrecognised {
  readonly tag: "unrecognised";
  readonly reason: string;
  /** The status word, as it came, that the tool's own table lacks, where that is the reason. */
  readonly unknown_status?: string;
}

/**
 * How a tool can hand over its key, or prove what it sends. A signature comes beside one of the others: only the key says
 * which project it is.
 */
export type AuthenticationWay = "header" | "bearer" | "basic" | "token_in_url" | "signature";

/** How a tool signs its webhooks; src/intake/verify-signature.ts knows what each means. */
export type SignatureScheme =
  | "grafana"
  | "pagerduty"
  | "sentry"
  | "checkly"
  | "github"
  | "jira"
  | "rootly"
  | "firehydrant"
  | "flux"
  | "instatus"
  | "splunk-observability"
  | "vercel"
  | "standard-webhooks"
  | "sns";

/** What a user is told who connects the tool; shown by GET /api/sources and in the README's table. */
export interface SourceSetup {
  /** Where in the tool to paste the URL, step by step. */
  readonly steps: readonly string[];
  /** The ways this tool can authenticate, the best one first. */
  readonly authentication: readonly AuthenticationWay[];
  /** What the tool does when a delivery fails. */
  readonly on_failure: string;
  /** What could not be confirmed from the vendor's documentation. */
  readonly unsure?: readonly string[];
}

/** The module that reads one tool's webhook. A new tool is one such value, one line in registry.ts and its fixtures. */
export interface Source {
  /** The name in the URL, kebab-case; also the name of its file and of its fixtures' folder. */
  readonly name: string;
  /** The tool's name as its vendor writes it. */
  readonly title: string;
  /** The vendor's documentation of the webhook. */
  readonly documentation: string;
  /** The fields that `read` looks at where a payload holds signals; all others are let through. */
  readonly payload: TSchema;
  readonly setup: SourceSetup;
  /**
   * False where the ids are the sender's own, so that an alert and its end may have different ones; the source's file says
   * why. Absent: they are exact.
   */
  readonly exact?: false;
  readonly signature?: SignatureScheme;
  /** Whether the payload is this tool's, by headers or by a few keys; cheap, never throws. */
  readonly recognise: (payload: SourcePayload) => boolean;
  /** Never throws, never guesses a status: what it cannot read is unrecognised. */
  readonly read: (payload: SourcePayload) => Reading;
}
