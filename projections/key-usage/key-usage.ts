// When each API key was last used to record something.

import type { Instant } from "../../src/domain/instant.ts";
import type { Projection } from "../projection.ts";
import type { Table } from "../table.ts";
import type { KeyUsageStore } from "./store.ts";

const table: Table = {
  name: "key_usage",
  columns: { key_id: "uuid", project_uuid: "uuid", last_used_at: "instant" },
  key: ["key_id"],
  isUnique: true,
};

/** So many keys' times are remembered. */
const mostRemembered = 10_000;

export const keyUsage: Projection = {
  name: "key-usage",
  version: 1,
  sql: new URL("./key-usage.sql", import.meta.url),
  tables: [table],
  createFold: ({ keyUsage }) => keyUsageFold(keyUsage),
  handles: ["IncidentSignalRecorded"],
  declines: [
    "ProjectRegistered",
    "ProjectChanged",
    "RepositoryRegistered",
    "ApiKeyIssued",
    "ApiKeyQuotaSet",
    "ApiKeyRevoked",
    "StatusesMapped",
    "PayloadQuarantined",
    "QuarantineRedriven",
    "WebhooksIgnored",
  ],
};

function keyUsageFold(store: KeyUsageStore): ReturnType<Projection["createFold"]> {
  const known = new Map<string, Instant>();
  return {
    fold: async (events) => {
      const used = new Map<string, { readonly project_uuid: string; readonly last_used_at: Instant }>();
      for (const { type, data } of events) {
        if (type !== "IncidentSignalRecorded" || data.key_id === null) continue;
        const { key_id, project_uuid, received_at } = data;
        const last = used.get(key_id);
        if (last === undefined || received_at > last.last_used_at)
          used.set(key_id, { project_uuid, last_used_at: received_at });
      }
      const unknown = [...used.keys()].filter((key) => !known.has(key));
      if (unknown.length > 0) for (const [key, at] of await store.lastUsed(unknown)) known.set(key, at);
      const rows = [...used]
        .filter(([key, { last_used_at }]) => last_used_at > (known.get(key) ?? ""))
        .map(([key_id, row]) => ({ key_id, ...row }));
      if (known.size > mostRemembered) known.clear();
      for (const { key_id, last_used_at } of rows) known.set(key_id, last_used_at);
      return new Map([[table, { rows, removed: [] }]]);
    },
  };
}
