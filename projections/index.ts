// The registry of projections.

import { incidents } from "./incidents/incidents.ts";
import { keyUsage } from "./key-usage/key-usage.ts";
import type { Projection } from "./projection.ts";
import { sources } from "./sources/sources.ts";

export const projections: readonly Projection[] = [incidents, keyUsage, sources];
