// Counts the recorded, quarantined and ignored webhooks of each source, with the time of the last, and lists the
// quarantined payloads that wait for a word to be mapped.

import type { Instant } from "../../src/domain/instant.ts";
import type { ProjectedEvent, Projection } from "../projection.ts";
import type { Table, TableChanges } from "../table.ts";
import { TableDraft } from "../table-draft.ts";
import type { QuarantinedPayload, SourceCount, SourceCountKey, SourcesStore } from "./store.ts";

const counts: Table = {
  name: "source_counts",
  columns: {
    project_uuid: "uuid",
    source: "text",
    outcome: "text",
    count: "bigint",
    last_seen: "instant",
  },
  key: ["project_uuid", "source", "outcome"],
  isUnique: true,
};
const quarantined: Table = {
  name: "quarantined",
  columns: {
    quarantine_id: "uuid",
    project_uuid: "uuid",
    source: "text",
    received_at: "instant",
    unknown_status: "text",
  },
  key: ["quarantine_id"],
  isUnique: true,
};

/** So many counts are remembered. */
const mostRemembered = 10_000;

export const sources: Projection = {
  name: "sources",
  version: 1,
  sql: new URL("./sources.sql", import.meta.url),
  tables: [counts, quarantined],
  createFold: ({ sources }) => {
    const fold = new SourcesFold(sources);
    return { fold: (events) => fold.apply(events) };
  },
  handles: ["IncidentSignalRecorded", "PayloadQuarantined", "QuarantineRedriven", "WebhooksIgnored"],
  declines: [
    "ProjectRegistered",
    "ProjectChanged",
    "RepositoryRegistered",
    "ApiKeyIssued",
    "ApiKeyQuotaSet",
    "ApiKeyRevoked",
    "StatusesMapped",
  ],
};

interface Seen {
  readonly key: SourceCountKey;
  count: number;
  last_seen: Instant;
}

class SourcesFold {
  readonly #store: SourcesStore;
  readonly #known = new Map<string, SourceCount>();

  constructor(store: SourcesStore) {
    this.#store = store;
  }

  async apply(events: readonly ProjectedEvent[]) {
    const seen = new Map<string, Seen>();
    const payloads = new TableDraft(quarantined);
    await this.#payloads(events, seen, payloads);
    for (const { type, data } of events) {
      if (type === "IncidentSignalRecorded") {
        add(seen, data, { outcome: "recorded", count: 1, at: data.received_at });
      } else if (type === "WebhooksIgnored") {
        add(seen, data, { outcome: data.cause, count: data.count, at: data.last_at });
      }
    }
    return new Map<Table, TableChanges>([
      [counts, { rows: (await this.#counted(seen)).map((count) => ({ ...count })), removed: [] }],
      [quarantined, payloads],
    ]);
  }

  /** A payload counts once, however often the log holds it; its last reading decides whether its word still waits. */
  async #payloads(events: readonly ProjectedEvent[], seen: Map<string, Seen>, draft: TableDraft) {
    const ids = new Set<string>();
    for (const { type, data } of events) {
      if (type === "PayloadQuarantined" || type === "QuarantineRedriven") ids.add(data.quarantine_id);
    }
    if (ids.size === 0) return;
    const known = new Map<string, QuarantinedPayload>();
    for (const payload of await this.#store.quarantined([...ids])) known.set(payload.quarantine_id, payload);
    for (const { type, data } of events) {
      if (type !== "PayloadQuarantined" && type !== "QuarantineRedriven") continue;
      const before = known.get(data.quarantine_id);
      if (type === "PayloadQuarantined" ? before !== undefined : before === undefined) continue;
      const now: QuarantinedPayload =
        type === "PayloadQuarantined"
          ? data
          : { ...(before as QuarantinedPayload), unknown_status: data.unknown_status };
      known.set(data.quarantine_id, now);
      draft.put({ ...now });
      if (type === "PayloadQuarantined") {
        add(seen, data, { outcome: "quarantined", count: 1, at: data.received_at });
      }
    }
  }

  async #counted(seen: ReadonlyMap<string, Seen>): Promise<SourceCount[]> {
    if (this.#known.size > mostRemembered) this.#known.clear();
    const missing = [...seen].filter(([name]) => !this.#known.has(name));
    if (missing.length > 0) {
      for (const count of await this.#store.counts(missing.map(([, { key }]) => key))) {
        this.#known.set(nameOf(count), count);
      }
    }
    return [...seen].map(([name, { key, count, last_seen }]) => {
      const before = this.#known.get(name);
      const now = {
        ...key,
        count: (before?.count ?? 0) + count,
        last_seen: before !== undefined && before.last_seen > last_seen ? before.last_seen : last_seen,
      };
      this.#known.set(name, now);
      return now;
    });
  }
}

const nameOf = ({ project_uuid, source, outcome }: SourceCountKey): string =>
  JSON.stringify([project_uuid, source, outcome]);

function add(
  seen: Map<string, Seen>,
  { project_uuid, source }: Pick<SourceCountKey, "project_uuid" | "source">,
  { outcome, count, at }: { readonly outcome: string; readonly count: number; readonly at: Instant },
): void {
  const key = { project_uuid, source, outcome };
  const name = nameOf(key);
  const known = seen.get(name);
  if (known === undefined) seen.set(name, { key, count, last_seen: at });
  else {
    known.count += count;
    if (at > known.last_seen) known.last_seen = at;
  }
}
