// What a source is: the module that reads one monitoring tool's webhook. Sees a payload, never a request or a store.

import type { Instant } from "../domain/instant.ts";
import type { Kind, TimeBasis } from "../domain/signal.ts";

/** A webhook's content, parsed as far as its shape allows, and the few headers sources may look at. */
export interface SourcePayload {
  /** Parsed JSON; for a form or a query string, an object of its fields (strings). */
  readonly body: unknown;
  /** The body's text as it came. */
  readonly text: string;
  /** Lower-case header names. Never holds X-API-Key, Authorization or Cookie. */
  readonly headers: Readonly<Record<string, string>>;
  /** The URL's query parameters, without the token. */
  readonly query: Readonly<Record<string, string>>;
  readonly received_at: Instant;
}

/** One signal read from a native payload. The kind is the source's decision, made by the tool's own table. */
export interface SourceSignal {
  readonly incident_id: string;
  /** The tool's own word, as it came. */
  readonly status: string;
  readonly kind: Kind;
  readonly incident_time: Instant;
  readonly time_basis: TimeBasis;
  readonly monitor_name?: string;
  readonly monitor_id?: string;
  readonly message?: string;
  readonly local_time?: string;
  readonly timezone?: string;
  /** This signal's own part of a grouped payload, as JSON text; absent where the whole text is this signal. */
  readonly payload?: string;
}

export interface IgnoredElement {
  readonly reason: string;
}

/** Signals and ignored elements may come together in a group; an unrecognised element makes the whole unrecognised. */
export type Reading =
  | {
      readonly tag: "signals";
      readonly signals: readonly SourceSignal[];
      readonly ignored: readonly IgnoredElement[];
    }
  | { readonly tag: "ignored"; readonly reason: string }
  | { readonly tag: "unrecognised"; readonly reason: string };
