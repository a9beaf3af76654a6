// What a projection is: a value. It opens no connection, sees no clock, and rejects no recorded fact.

import type { Instant } from "../src/domain/instant.ts";
import type { Kind, MappedKind, Matching } from "../src/domain/signal.ts";
import type { StoredEvent } from "../src/domain/stored-events.ts";
import type { IncidentsStore } from "./incidents/store.ts";
import type { KeyUsageStore } from "./key-usage/store.ts";
import type { QuarantinedPayload, SourcesStore } from "./sources/store.ts";
import type { Changes, Table } from "./table.ts";

/** A signal made ready for the fold (src/readmodel/projected-event.ts): all text can be held, all ids are checked. */
export interface ProjectedSignal {
  readonly position: string;
  readonly event_id: string;
  readonly project_uuid: string;
  /** Exactly as sent. */
  readonly incident_id: string;
  readonly status: string;
  /** Undefined where a word decides. */
  readonly kind: Kind | undefined;
  readonly exact: boolean;
  readonly reminder: boolean;
  readonly started_at: Instant | null;
  readonly incident_time: Instant;
  readonly received_at: Instant;
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

/** A decoded event: its type with what projections use of its checked data. */
export type ProjectedEvent =
  | { readonly type: "IncidentSignalRecorded"; readonly data: ProjectedSignal }
  | {
      readonly type: "ProjectChanged";
      readonly data: { readonly project_uuid: string; readonly matching?: Matching };
    }
  | {
      readonly type: "StatusesMapped";
      readonly data: {
        readonly project_uuid: string;
        readonly mappings: Readonly<Record<string, MappedKind>>;
      };
    }
  | { readonly type: "PayloadQuarantined"; readonly data: QuarantinedPayload }
  | {
      readonly type: "QuarantineRedriven";
      readonly data: {
        readonly project_uuid: string;
        readonly quarantine_id: string;
        /** The word that still is unknown; null where it was not that, or it has been read. */
        readonly unknown_status: string | null;
      };
    }
  | {
      readonly type: "WebhooksIgnored";
      readonly data: {
        readonly project_uuid: string;
        readonly source: string;
        readonly cause: string;
        readonly count: number;
        readonly last_at: Instant;
      };
    };

export interface Fold {
  /**
   * What the events, of which this projection handles some, change in its tables. It counts on these changes being
   * written before the next call; where they were not, the fold is of no more use.
   */
  readonly fold: (events: readonly ProjectedEvent[]) => Promise<Changes>;
}

/** Where folds look up what their tables hold. */
export interface Stores {
  readonly incidents: IncidentsStore;
  readonly keyUsage: KeyUsageStore;
  readonly sources: SourcesStore;
}

export interface FoldOptions {
  /** How many incidents are remembered between batches. One is enough; more ask the store less. */
  readonly cacheSize: number;
}

export interface Projection {
  /** Never renamed: it names the checkpoint. */
  readonly name: string;
  /** Raised whenever tables or results change: the read model is then built anew from the log. */
  readonly version: number;
  /** Makes the tables, run once for each version. */
  readonly sql: URL;
  readonly tables: readonly Table[];
  readonly createFold: (stores: Stores, options: FoldOptions) => Fold;
  readonly handles: readonly ProjectedEvent["type"][];
  /** The event types that leave no trace here; a structure test wants every type handled or declined. */
  readonly declines: readonly StoredEvent["type"][];
}
