import type { Projection } from "../projection.ts";

export const registry: Projection = {
  name: "registry",
  version: 1,
  tables: new URL("./registry.sql", import.meta.url),
  functions: new URL("./registry.functions.sql", import.meta.url),
  handlers: {},
};
