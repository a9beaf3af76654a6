// What a projection is: a value. It opens no connection, sees no clock, and rejects no recorded fact.

import type { StoredEvent } from "../src/domain/stored-events.ts";

/** One row for the projection's SQL function, as JSON. */
export type Row = Readonly<Record<string, unknown>>;

/** A signal made ready for Postgres (src/readmodel/projected-event.ts): all text can be held, all ids are checked. */
export interface ProjectedSignal {
  readonly position: string;
  readonly event_id: string;
  readonly project_uuid: string;
  /** Hash of project and exact incident_id, as a UUID. */
  readonly incident_key: string;
  readonly incident_id: string;
  /** Hex of the exact incident_id's UTF-8; null where it is that of `incident_id`. */
  readonly incident_order: string | null;
  readonly status: string;
  /** The normalised status that a status mapping may overrule; null where the source decided the kind. */
  readonly word: string | null;
  /** 0 ALERT, 1 RECOVERY, 2 neither; before any status mapping of the project. */
  readonly own_kind: 0 | 1 | 2;
  readonly incident_time: string;
  readonly received_at: string;
  readonly source: string;
  readonly key_id: string | null;
  /** null where absent; empty strings stay. */
  readonly monitor_id: string | null;
  readonly monitor_name: string | null;
  readonly repo_uuid: string | null;
  readonly message: string | null;
  readonly local_time: string | null;
  readonly timezone: string | null;
}

type RegistryEvent = Exclude<StoredEvent, { readonly type: "IncidentSignalRecorded" }>;

/** A decoded event: its type with its checked data. */
export type ProjectedEvent =
  | { readonly type: "IncidentSignalRecorded"; readonly data: ProjectedSignal }
  | RegistryEvent;

export type Handlers = {
  readonly [Type in ProjectedEvent["type"]]?: (
    data: Extract<ProjectedEvent, { readonly type: Type }>["data"],
  ) => Row;
};

export interface Projection {
  /** Never renamed: it names the checkpoint. */
  readonly name: string;
  /** Raised whenever tables or results change: the read model is then built anew from the log. */
  readonly version: number;
  /** Tables and types, run once for each version. */
  readonly tables: URL;
  /**
   * Functions, run at every start. One of them is `<name>_apply(rows json, changes change[]) returns change[]`: it
   * applies a batch's rows, and what the projections before it changed; it answers what the next ones need to know.
   * All of a batch's projections share one transaction.
   */
  readonly functions: readonly URL[];
  readonly handlers: Handlers;
  /** The event types that leave no trace here; a structure test wants every type handled or declined. */
  readonly declines: readonly ProjectedEvent["type"][];
}
