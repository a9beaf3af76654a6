// The events of a project's quarantine: payloads that were authenticated and could not be read, and what became of
// them. They lie in a stream of each project's own. Pure.

import type { ProjectUuid } from "./ids.ts";

/** A payload kept as it came, with all that is needed to read it again. Exactly one of the two payloads is there. */
export interface PayloadQuarantined {
  readonly project_uuid: string;
  readonly quarantine_id: string;
  /** The source that was asked for, or "auto"; `contractSource` where it came by the ingest contract's own route. */
  readonly source: string;
  readonly reason: string;
  /** The status word that the source's own table lacks, where that is the reason. */
  readonly unknown_status?: string;
  /** The error that the sender was answered; its `details` are the reason. Absent: a 200. */
  readonly answer_status?: number;
  readonly answer_error?: string;
  readonly payload?: string;
  /** Where the bytes are no UTF-8 text, or are longer as escaped text. */
  readonly payload_base64?: string;
  readonly content_type?: string;
  /** Only those that a source may look at; never a key. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without the token. */
  readonly query: Readonly<Record<string, string>>;
  /** Canonical Instant text; what is recorded later has this as its time of receipt. */
  readonly received_at: string;
  readonly key_id: string;
  /**
   * The scheme whose signature was verified when the payload came; "none" where its key has no signing secrets. Absent
   * in events from before this was kept: they count as not verified.
   */
  readonly signature?: string;
}

/** A quarantined payload was read again. Only `recorded` is final; the others can be tried again later. */
export interface QuarantineRedriven {
  readonly project_uuid: string;
  readonly quarantine_id: string;
  readonly outcome: RedriveResult;
  /** The source that read it. */
  readonly source: string;
  readonly incident_ids: readonly string[];
  /** How many elements of a group the source ignored. */
  readonly ignored: number;
  readonly reason?: string;
  readonly unknown_status?: string;
  readonly redriven_at: string;
  readonly key_id: string;
}

export type RedriveResult = "recorded" | "ignored" | "unrecognised";

export type QuarantineEvent =
  | { readonly type: "PayloadQuarantined"; readonly data: PayloadQuarantined }
  | { readonly type: "QuarantineRedriven"; readonly data: QuarantineRedriven };

/** In the place of a source's name: the ingest contract's own route. */
export const contractSource = "contract";

export const quarantineStreamPrefix = "quarantine-";

export const quarantineStream = (project: ProjectUuid): string => `${quarantineStreamPrefix}${project}`;
