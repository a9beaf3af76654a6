// The registry of projections, in the order in which a batch goes through them.

import { incidents } from "./incidents/incidents.ts";
import { pairs } from "./pairs/pairs.ts";
import type { Projection } from "./projection.ts";
import { registry } from "./registry/registry.ts";
import { timeline } from "./timeline/timeline.ts";

export const projections: readonly Projection[] = [registry, timeline, pairs, incidents];
