// How many webhooks were ignored: counts, noted now and then, in a stream of each project's own. The webhooks themselves
// are kept nowhere. Pure.

import type { ProjectUuid } from "./ids.ts";

/** So many since the note before, of one source and for one cause. */
export interface WebhooksIgnored {
  readonly project_uuid: string;
  readonly source: string;
  readonly cause: string;
  readonly count: number;
  /** Canonical Instant text: when the last of them came. */
  readonly last_at: string;
}

export const ignoredStreamPrefix = "ignored-";

export const ignoredStream = (project: ProjectUuid): string => `${ignoredStreamPrefix}${project}`;
