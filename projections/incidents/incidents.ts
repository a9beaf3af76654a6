// Incidents with their records, outages and orphans: what the rules of src/domain/pairing.ts make of all signals.

import type { Projection } from "../projection.ts";
import { incidentsFold } from "./fold.ts";
import { tables } from "./tables.ts";

export const incidents: Projection = {
  name: "incidents",
  version: 3,
  sql: new URL("./incidents.sql", import.meta.url),
  tables,
  createFold: ({ incidents }, options) => incidentsFold(incidents, options),
  handles: ["IncidentSignalRecorded", "ProjectChanged", "StatusesMapped"],
  // What they say is asked of the registry, which every process holds in memory.
  declines: [
    "ProjectRegistered",
    "RepositoryRegistered",
    "ApiKeyIssued",
    "ApiKeyQuotaSet",
    "ApiKeyRevoked",
    "PayloadQuarantined",
    "QuarantineRedriven",
    "WebhooksIgnored",
  ],
};
