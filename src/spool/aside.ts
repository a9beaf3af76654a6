// What was set aside of the spool: events that the event store refuses for ever, and bytes that the disk has damaged.
// It stays until somebody has looked at it, and counts as used room: so it cannot grow without end.

import { join } from "node:path";
import type { Disk } from "./disk.ts";
import type { Spooled } from "./reader.ts";
import type { Segment, SpoolLog } from "./segments.ts";

export interface Aside {
  /** Durably keeps what the event store refuses; throws where the disk does not take it. */
  readonly refused: (spooled: Spooled, reason: string) => Promise<void>;
  /** Never throws: waiting for room here would keep the good records from draining, which is what makes room. */
  readonly damaged: (segment: Segment, offset: number, bytes: Buffer) => Promise<void>;
  /** Sees, once a second at most, that somebody has taken something away. */
  readonly measure: () => Promise<void>;
  readonly bytes: () => number;
  readonly damages: () => number;
}

const refusedName = "refused.ndjson";
const measureEveryMs = 1_000;

export async function openAside(options: {
  readonly directory: string;
  readonly disk: Disk;
  readonly log: SpoolLog;
  readonly now: () => number;
}): Promise<Aside> {
  const { directory, disk, log, now } = options;
  const measured = async (): Promise<number> =>
    (await disk.list(directory))
      .filter(({ name }) => name === refusedName || name.endsWith(".damaged"))
      .reduce((sum, one) => sum + one.bytes, 0);
  let bytes = await measured();
  let measuredAt = now();
  let damages = 0;
  let isStale = false;
  /** One after the other: each is written behind the one before it. */
  let busy: Promise<unknown> = Promise.resolve();

  return {
    refused: ({ record: { stream, events }, sequence }, reason) => {
      const what = { stream, sequence: String(sequence), reason };
      log.error(what, "set aside what the event store refuses");
      // It begins a line of its own also where a crash has cut the one before it short.
      const line = Buffer.from(`\n${JSON.stringify({ reason, stream, events })}\n`);
      const kept = busy.then(async () => {
        await disk.append(join(directory, refusedName), line);
        bytes += line.length;
      });
      busy = kept.catch(() => undefined);
      return kept;
    },
    damaged: async (segment, offset, damaged) => {
      damages += 1;
      isStale = true;
      const file = `${segment.path}.${offset}.damaged`;
      const what = { file, segment: segment.path, offset, bytes: damaged.length };
      log.error(what, "set aside damaged bytes of the spool");
      try {
        await disk.replace(file, damaged);
      } catch (error) {
        log.error({ ...what, error: String(error) }, "cannot keep damaged bytes of the spool");
      }
    },
    measure: async () => {
      isStale ||= bytes > 0 && Math.abs(now() - measuredAt) >= measureEveryMs;
      if (!isStale) return;
      isStale = false;
      measuredAt = now();
      // A file went while it was measured, say: nothing depends on the moment.
      busy = busy.then(async () => {
        bytes = await measured();
      });
      busy = busy.catch((error) =>
        log.warn({ error: String(error) }, "cannot measure what was set aside of the spool"),
      );
      await busy;
    },
    bytes: () => bytes,
    damages: () => damages,
  };
}
