// Projects, repositories, keys and status mappings, for queries.

import type { Projection } from "../projection.ts";

export const registry: Projection = {
  name: "registry",
  version: 1,
  tables: new URL("./registry.sql", import.meta.url),
  functions: [new URL("./registry.functions.sql", import.meta.url)],
  handlers: {
    ProjectRegistered: (data) => ({ type: "ProjectRegistered", data }),
    ProjectChanged: (data) => ({ type: "ProjectChanged", data }),
    RepositoryRegistered: (data) => ({ type: "RepositoryRegistered", data }),
    ApiKeyIssued: (data) => ({ type: "ApiKeyIssued", data }),
    ApiKeyRevoked: (data) => ({ type: "ApiKeyRevoked", data }),
    StatusesMapped: (data) => ({ type: "StatusesMapped", data }),
  },
  // How much a key may send is the intake's business alone.
  declines: ["IncidentSignalRecorded", "ApiKeyQuotaSet"],
};
