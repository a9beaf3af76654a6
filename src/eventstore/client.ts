// The one adapter over @eventstore/db-client: opens the two clients of the process and offers what intake and the
// projector ask for. Knows nothing of webhooks, HTTP or Postgres.

import type { AppendEvents, FollowStream, ReadBackwards, ReadStream } from "../intake/event-log.ts";
import type { LogIdentity } from "../readmodel/log-identity.ts";
import { createAppender } from "./append.ts";
import { type ConnectionProblem, connectionProblem, explainUrlProblem } from "./connection-problem.ts";
import { createFollowLog, type FollowLogOptions, type LogBatch } from "./follow-log.ts";
import { createFollowStream } from "./follow-stream.ts";
import { createLogIdentity } from "./log-identity.ts";
import { closeClient, openClient, type Purpose, type StoreAddress } from "./open-client.ts";
import { createReadBackwards, createReadStream, foreignUpTo, readHead, readLast, readSome } from "./read.ts";
import { createReadLog, type ReadLog } from "./read-log.ts";
import { createSubscribe } from "./subscription.ts";

/** The part of a logger that is used here; pino's fits. */
export interface ConnectionLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface EventStoreOptions {
  /** `esdb://...` or `kurrentdb://...`, several hosts for a cluster; or the service's own store. */
  readonly url: StoreAddress;
  readonly log: ConnectionLog;
  /** The bound of one append, retries included. */
  readonly appendTimeoutMs?: number;
}

export interface EventStore {
  readonly append: AppendEvents;
  readonly readStream: ReadStream;
  readonly readBackwards: ReadBackwards;
  readonly followStream: FollowStream;
  readonly followLog: (options: FollowLogOptions) => AsyncIterable<LogBatch>;
  readonly readLog: ReadLog;
  readonly identity: LogIdentity;
  /** Throws EventLogUnavailable when the store does not answer. */
  readonly head: () => Promise<bigint | undefined>;
  /** Whether the store can be used right now: undefined if so, else one line saying why not. */
  readonly check: (timeoutMs?: number) => Promise<string | undefined>;
  /** The same, and whether waiting would help. */
  readonly problem: (timeoutMs?: number) => Promise<ConnectionProblem | undefined>;
  /** Ends every stream; appends and reads fail from now on. */
  readonly close: () => Promise<void>;
}

const checkTimeoutMs = 5000;
const headTimeoutMs = 2000;

/** Connects to nothing yet. Throws an Error of one clear line where the URL cannot be used at all. */
export function connectEventStore(options: EventStoreOptions): EventStore {
  const urlProblem = explainUrlProblem(options.url);
  if (urlProblem !== undefined) throw new Error(urlProblem);
  const open = (purpose: Purpose) => {
    try {
      return openClient(options.url, purpose);
    } catch (error) {
      throw new Error(connectionProblem(error, options.url).line);
    }
  };
  const [registry, log, replay, probe] = [open("registry"), open("log"), open("replay"), open("head")];
  const appender = createAppender({
    open: () => open("append"),
    readSome: (stream, from, limits) => readSome(probe, stream, { from, ...limits }),
    timeoutMs: options.appendTimeoutMs ?? 1000,
    standing: ({ failing }) => {
      if (failing === undefined) options.log.info({}, "the event store takes appends again");
      else options.log.warn({ reason: failing }, "the event store does not take appends");
    },
  });
  const head = (): Promise<bigint | undefined> => readHead(probe, { timeoutMs: headTimeoutMs });
  const lastRevision = async (stream: string): Promise<bigint | undefined> =>
    (await readLast(probe, stream, headTimeoutMs))?.revision;
  const follow = (client: typeof log) =>
    createFollowLog(createSubscribe(client), {
      head,
      foreignUpTo: (after, look) => foreignUpTo(client, after, { ...look, timeoutMs: headTimeoutMs }),
    });

  const headFailure = async (timeoutMs: number): Promise<unknown> => {
    try {
      await readHead(probe, { timeoutMs });
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const problem: EventStore["problem"] = async (timeoutMs = checkTimeoutMs) => {
    // A connection that dropped while nothing was asked fails the first call only, and says nothing of the store.
    const first = await headFailure(timeoutMs);
    const second =
      first !== undefined && /connection dropped/i.test(String(first)) ? await headFailure(timeoutMs) : first;
    return second === undefined ? undefined : connectionProblem(second, options.url);
  };

  return {
    append: appender.append,
    readStream: createReadStream(replay),
    readBackwards: createReadBackwards(probe),
    followStream: createFollowStream(createSubscribe(registry), lastRevision),
    followLog: follow(log),
    readLog: createReadLog(follow(replay), head),
    identity: createLogIdentity(probe, appender.append),
    head,
    problem,
    check: async (timeoutMs) => (await problem(timeoutMs))?.line,
    close: async () => {
      await Promise.all([appender.close(), ...[registry, log, replay, probe].map(closeClient)]);
    },
  };
}
