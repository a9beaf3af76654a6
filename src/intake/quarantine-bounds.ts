// Holds every project's quarantine to so many payloads and bytes a day. In this process's memory alone: each process counts
// what it keeps itself, and begins anew with a start.

import type { ProjectUuid } from "../domain/ids.ts";
import { type Bucket, dailyRate, fullBucket, takeTokens } from "../domain/quota.ts";

export interface QuarantineBounds {
  /**
   * Takes the room for a payload. Undefined where there is room, or where this payload was given some lately: the same one
   * sent again is kept once. Else the seconds until there is room; then nothing is taken.
   */
  readonly take: (project: ProjectUuid, quarantineId: string, bytes: number) => number | undefined;
}

/** Payloads that are remembered, of all projects; those kept longest ago are forgotten first. */
const mostRemembered = 20_000;

/** `nowMs` never goes back. 0: no bound. */
export function createQuarantineBounds(options: {
  readonly nowMs: () => number;
  readonly entriesPerDay: number;
  readonly bytesPerDay: number;
}): QuarantineBounds {
  const entryRate = dailyRate(options.entriesPerDay || Number.MAX_SAFE_INTEGER);
  const byteRate = dailyRate(options.bytesPerDay || Number.MAX_SAFE_INTEGER);
  /** As many as there are projects: only registered ones keep anything. */
  const rooms = new Map<ProjectUuid, { readonly entries: Bucket; readonly bytes: Bucket }>();
  const kept = new Set<string>();

  return {
    take: (project, quarantineId, bytes) => {
      if (kept.has(quarantineId)) return undefined;
      const nowMs = options.nowMs();
      const room = rooms.get(project) ?? {
        entries: fullBucket(entryRate, nowMs),
        bytes: fullBucket(byteRate, nowMs),
      };
      rooms.set(project, room);
      const ofEntries = takeTokens(room.entries, entryRate, { count: 1, nowMs });
      if (!ofEntries.allowed) return ofEntries.waitSeconds;
      const ofBytes = takeTokens(room.bytes, byteRate, { count: bytes, nowMs });
      if (!ofBytes.allowed) {
        room.entries.tokens += 1;
        return ofBytes.waitSeconds;
      }
      const [oldest] = kept;
      if (kept.size >= mostRemembered && oldest !== undefined) kept.delete(oldest);
      kept.add(quarantineId);
      return undefined;
    },
  };
}
