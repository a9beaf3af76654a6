import type { Projection } from "../projection.ts";

export const pairs: Projection = {
  name: "pairs",
  version: 1,
  tables: new URL("./pairs.sql", import.meta.url),
  functions: new URL("./pairs.functions.sql", import.meta.url),
  handlers: {},
};
