// After a project's status mapping has changed: reads the quarantined payloads again whose word it maps now.

import type { ProjectUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { mappedKindOf } from "../domain/status.ts";
import type { QuarantineReader } from "./quarantine-reader.ts";
import { uncharged } from "./quotas.ts";
import type { StatusWords } from "./receive-native.ts";
import { type RedriveDependencies, redriveQuarantined } from "./redrive-quarantined.ts";

export interface MappedRedrive {
  readonly project_uuid: ProjectUuid;
  /** The project's mapping as it is now. */
  readonly words: StatusWords;
  readonly key_id: string;
  readonly request_id: string;
  readonly now: Instant;
}

/** So many are read at once. */
const mostAtOnce = 8;

/**
 * Each as a redrive of its own: safe to repeat at any point, and mapping the word once more goes on where it was cut off.
 * Ends early where the event store takes nothing. Signatures that were verified count as they did. Answers how many were
 * recorded. Throws EventLogUnavailable.
 */
export async function redriveMapped(
  asked: MappedRedrive,
  dependencies: RedriveDependencies & {
    readonly quarantine: Pick<QuarantineReader, "find" | "unknownStatuses">;
  },
): Promise<number> {
  const { project_uuid, words, key_id, request_id, now } = asked;
  if (Object.keys(words).length === 0) return 0;
  const waiting = await dependencies.quarantine.unknownStatuses(project_uuid);
  const mapped = [...waiting].filter(([, status]) => mappedKindOf(status, words) !== undefined);
  const ids = mapped.map(([quarantine_id]) => quarantine_id).values();
  const context = {
    project_uuid,
    words,
    key_id,
    request_id,
    signatures: "optional",
    charge: uncharged,
  } as const;
  let recorded = 0;
  let isAway = false;
  const readSome = async (): Promise<void> => {
    for (const quarantine_id of ids) {
      if (isAway) return;
      const outcome = await redriveQuarantined({ quarantine_id, now }, context, dependencies);
      if (outcome.tag === "unavailable") isAway = true;
      if (outcome.tag === "redriven" && outcome.result.outcome === "recorded") recorded += 1;
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, readSome));
  return recorded;
}
