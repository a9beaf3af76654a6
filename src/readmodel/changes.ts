// Tells who watches a project what changes in it, once queries show it: follows the log from the first watcher on, and
// remembers the last changes for those whose connection broke. Knows no HTTP.

import { quarantineStreamPrefix } from "../domain/quarantine.ts";
import {
  incidentStreamPrefix,
  ownStreamPrefixes,
  projectOfStream,
  type RecordedEvent,
  registryStream,
} from "../domain/stored-events.ts";
import type { FollowLog, HeadPosition } from "./event-feed.ts";
import { type ProjectorClock, realClock } from "./projector-clock.ts";

interface ProjectChange {
  readonly project: string;
  readonly about: "incident" | "quarantine" | "settings";
  readonly incident: string | null;
  readonly position: bigint;
}

type Take = (changes: readonly ProjectChange[]) => void;

/** How a watcher begins: `missed` where what changed after its position is not known any more, or it named none. */
interface Watch {
  readonly missed: boolean;
  readonly position: bigint;
  readonly end: () => void;
}

export interface ChangeFeed {
  readonly follow: (
    project: string,
    options: { readonly after: bigint | undefined; readonly take: Take },
  ) => Promise<Watch>;
  readonly stop: () => Promise<void>;
}

export interface ChangeFeedOptions {
  readonly follow: FollowLog;
  readonly head: HeadPosition;
  /** Resolves false where queries have not come to the position after the time. */
  readonly waitFor: (position: bigint, timeoutMs: number) => Promise<boolean>;
  readonly clock?: ProjectorClock;
  /** Changes of all projects that are remembered. */
  readonly mostRemembered?: number;
}

/** Changes that queries do not show by then are announced all the same. */
const longestWaitMs = 5_000;
const againAfterMs = 1_000;
/** So long a first watcher waits until the log is followed. */
const firstBoundMs = 3_000;

export function openChanges(options: ChangeFeedOptions): ChangeFeed {
  const { clock = realClock, mostRemembered = 20_000 } = options;
  const watchers = new Map<string, Set<Take>>();
  const stopping = new AbortController();
  const begun = Promise.withResolvers<void>();
  let remembered: ProjectChange[] = [];
  /** Changes at or before this position are forgotten. */
  let forgottenUpTo: bigint | undefined;
  let position = 0n;
  let following: Promise<void> | undefined;

  const publish = (changes: readonly ProjectChange[], upTo: bigint): void => {
    remembered.push(...changes);
    const excess = remembered.slice(0, Math.max(0, remembered.length - mostRemembered));
    forgottenUpTo = excess.at(-1)?.position ?? forgottenUpTo;
    remembered = remembered.slice(excess.length);
    position = upTo;
    for (const [project, some] of Map.groupBy(changes, (change) => change.project)) {
      for (const take of watchers.get(project) ?? []) take(some);
    }
  };
  const followOnce = async (): Promise<void> => {
    const from = position === 0n ? await options.head() : position;
    forgottenUpTo ??= from ?? 0n;
    position = from ?? 0n;
    begun.resolve();
    const { signal } = stopping;
    const batches = { from, prefixes: ownStreamPrefixes, maxEvents: 1_000, maxWaitMs: 25, signal };
    for await (const { events, upTo } of options.follow({ ...batches, dropped: () => {} })) {
      if (events.length > 0) await options.waitFor(upTo, longestWaitMs);
      if (signal.aborted) return;
      publish(events.flatMap(changeOf), upTo);
    }
  };
  const keepFollowing = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The store is away: it is asked again, and watchers hear of what happens meanwhile then.
      await followOnce().catch(() => {});
      await clock.pause(againAfterMs, stopping.signal);
    }
  };

  return {
    follow: async (project, { after, take }) => {
      following ??= keepFollowing();
      await Promise.race([begun.promise, clock.pause(firstBoundMs, stopping.signal)]);
      const missed = after === undefined || forgottenUpTo === undefined || after < forgottenUpTo;
      const since = remembered.filter((one) => one.project === project && !missed && one.position > after);
      if (since.length > 0) take(since);
      const all = watchers.get(project) ?? new Set();
      watchers.set(project, all.add(take));
      return {
        missed,
        position,
        end: () => {
          all.delete(take);
          if (all.size === 0 && watchers.get(project) === all) watchers.delete(project);
        },
      };
    },
    stop: async () => {
      stopping.abort();
      await following;
    },
  };
}

function changeOf({ stream, position, data }: RecordedEvent): readonly ProjectChange[] {
  const field = (name: string): string | null => {
    const value = typeof data === "object" && data !== null ? (data as Record<string, unknown>)[name] : null;
    return typeof value === "string" ? value : null;
  };
  if (stream.startsWith(incidentStreamPrefix)) {
    const incident = field("incident_id");
    return [{ project: projectOfStream(stream), about: "incident", incident, position }];
  }
  if (stream.startsWith(quarantineStreamPrefix))
    return [{ project: projectOfStream(stream), about: "quarantine", incident: null, position }];
  const project = stream === registryStream ? field("project_uuid") : null;
  return project === null ? [] : [{ project, about: "settings", incident: null, position }];
}
