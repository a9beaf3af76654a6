// Every signal, and the records that they stand for.

import type { Projection } from "../projection.ts";

export const timeline: Projection = {
  name: "timeline",
  version: 1,
  tables: new URL("./timeline.sql", import.meta.url),
  functions: [new URL("./timeline.functions.sql", import.meta.url)],
  handlers: {
    IncidentSignalRecorded: (signal) => ({ ...signal }),
  },
  // What a status mapping changes is applied by the registry projection and handed on.
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
