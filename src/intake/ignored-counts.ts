// Counts ignored webhooks and notes the counts in the event store every few seconds, so that a webhook that leaves nothing
// behind costs no append of its own. A process that is killed loses the counts since its last note, and no webhook.

import { randomUUID } from "node:crypto";
import type { ProjectUuid } from "../domain/ids.ts";
import { ignoredStream, type WebhooksIgnored } from "../domain/ignored-webhooks.ts";
import type { Instant } from "../domain/instant.ts";
import type { NewEvent } from "../domain/stored-events.ts";
import type { AppendDurably } from "./event-log.ts";

export interface IgnoredCounts {
  readonly add: (ignored: {
    readonly project_uuid: ProjectUuid;
    readonly source: string;
    readonly cause: string;
    readonly at: Instant;
  }) => void;
  /** Appends the counts until now. Never rejects: counts that the store does not take are appended the next time. */
  readonly note: () => Promise<void>;
  /** Notes the last counts and ends. */
  readonly stop: () => Promise<void>;
}

/** One for the whole process. Projects, sources and causes are few, so what waits is bounded. */
export function createIgnoredCounts(append: AppendDurably, everyMs: number): IgnoredCounts {
  let counted = new Map<string, WebhooksIgnored & { readonly project_uuid: ProjectUuid }>();
  /** With the ids that they keep, since what was not acknowledged may be stored all the same. */
  let waiting: { readonly stream: string; readonly event: NewEvent }[] = [];
  let noting: Promise<void> = Promise.resolve();

  const noteNow = async (): Promise<void> => {
    if (waiting.length === 0) {
      waiting = [...counted.values()].map((data) => ({
        stream: ignoredStream(data.project_uuid),
        event: {
          id: randomUUID(),
          type: "WebhooksIgnored",
          data,
          metadata: { source: data.source, received_at: data.last_at },
        },
      }));
      counted = new Map();
    }
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { tag } = await append(next.stream, [next.event], "any");
      if (tag !== "appended" && tag !== "spooled") return;
      waiting.shift();
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const note = (): Promise<void> => {
    noting = noting.then(noteNow).catch(() => {});
    return noting;
  };
  /** Runs only while there is something to note. */
  const noteLater = (): void => {
    timer ??= setTimeout(async () => {
      await note();
      timer = undefined;
      if (waiting.length > 0 || counted.size > 0) noteLater();
    }, everyMs).unref();
  };

  return {
    add: ({ project_uuid, source, cause, at }) => {
      const key = `${project_uuid} ${source} ${cause}`;
      const count = (counted.get(key)?.count ?? 0) + 1;
      counted.set(key, { project_uuid, source, cause, count, last_at: at });
      noteLater();
    },
    note,
    stop: () => {
      clearTimeout(timer);
      return note();
    },
  };
}
