// Incidents: state, counts, first and last times. They follow from what the timeline and the pairs changed.

import type { Projection } from "../projection.ts";

export const incidents: Projection = {
  name: "incidents",
  version: 1,
  tables: new URL("./incidents.sql", import.meta.url),
  functions: [new URL("./incidents.functions.sql", import.meta.url)],
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
