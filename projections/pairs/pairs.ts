// Outages and orphans. They follow from the records that the timeline changed; no event has rows of its own here.

import type { Projection } from "../projection.ts";

export const pairs: Projection = {
  name: "pairs",
  version: 2,
  tables: new URL("./pairs.sql", import.meta.url),
  functions: [
    new URL("./pairs.functions.sql", import.meta.url),
    new URL("./appended.functions.sql", import.meta.url),
    new URL("./orphans.functions.sql", import.meta.url),
  ],
  handlers: {},
  // Its rows follow from what other projections changed, not from events.
  declines: [
    "IncidentSignalRecorded",
    "ProjectRegistered",
    "ProjectChanged",
    "RepositoryRegistered",
    "ApiKeyIssued",
    "ApiKeyQuotaSet",
    "ApiKeyRevoked",
    "StatusesMapped",
  ],
};
