// The messages that a read is asked for with, as far as the server reads them.

import type { Wide } from "./protocol.ts";
import type { StreamIdentifierMessage } from "./requests.ts";

type Present = object | null;

export interface ReadReq {
  readonly options: ReadOptions | null;
}

export interface ReadOptions {
  readonly stream: {
    readonly stream_identifier: StreamIdentifierMessage | null;
    /** Which of the three is set. */
    readonly revision_option?: "revision" | "start" | "end";
    readonly revision: Wide;
    readonly start: Present;
    readonly end: Present;
  } | null;
  readonly all: {
    readonly position: { readonly commit_position: Wide } | null;
    readonly end: Present;
  } | null;
  readonly read_direction: number;
  readonly count: Wide;
  readonly subscription: Present;
  readonly filter: FilterMessage | null;
  readonly uuid_option: { readonly structured: Present } | null;
}

export interface FilterMessage {
  readonly stream_identifier: Expression | null;
  readonly event_type: Expression | null;
  readonly window?: "max" | "count";
  readonly max: number;
  readonly checkpoint_interval_multiplier: number;
}

interface Expression {
  readonly regex: string;
  readonly prefix: readonly string[];
}
