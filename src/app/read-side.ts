// The read side: the pools of Postgres connections, what is asked over them, and the projector that feeds the tables.

import { setTimeout as pause } from "node:timers/promises";
import { projections } from "../../projections/index.ts";
import type { EventStore } from "../eventstore/client.ts";
import type { DeadLetterRedrive, Queries } from "../http/ports.ts";
import type { Log } from "../log.ts";
import type { Stopping } from "../processes/stopping.ts";
import { watchLiveness } from "../readmodel/liveness.ts";
import { openPostgres } from "../readmodel/postgres.ts";
import { type Projector, type ProjectorLog, startProjector } from "../readmodel/projector.ts";
import { readModelQueries } from "../readmodel/queries.ts";
import { redriveRequests } from "../readmodel/redrive-requests.ts";
import { type Asking, askingOf } from "../readmodel/unavailable.ts";

export interface ReadSide extends Pick<Projector, "position" | "waitFor" | "status"> {
  readonly queries: Queries;
  readonly deadLetters: DeadLetterRedrive;
  /** Why Postgres cannot be asked now; undefined where it can. No query delays the answer. */
  readonly problem: () => Promise<string | undefined>;
}

/** The log that feeds the read model, and its settings. */
type FollowedStore = Pick<EventStore, "followLog" | "readStream" | "head" | "identity">;

/** So long after the start queries wait for the read model to be found to be of this log. */
const verifiedBoundMs = 3_000;
const stopBoundsMs = { projector: 800, pools: 500 };

/** Answers at once, whether or not Postgres is there. */
export function openReadSide(options: {
  readonly databaseUrl: string;
  readonly store: FollowedStore;
  readonly log: Log;
  readonly stopping: Stopping;
}): ReadSide {
  const { databaseUrl, stopping } = options;
  const reading = openPostgres(databaseUrl, {
    maxConnections: 10,
    applicationName: "incident-ledger-queries",
    readOnly: true,
    statementTimeoutMs: 10_000,
  });
  const noting = openPostgres(databaseUrl, {
    maxConnections: 1,
    applicationName: "incident-ledger-redrive",
    statementTimeoutMs: 10_000,
  });
  const liveness = watchLiveness(() =>
    openPostgres(databaseUrl, {
      maxConnections: 1,
      applicationName: "incident-ledger-liveness",
      readOnly: true,
      statementTimeoutMs: 1_000,
    }),
  );
  stopping.add("Postgres connections", stopBoundsMs.pools, async () => {
    await Promise.all([reading.end({ timeout: 0 }), noting.end({ timeout: 0 }), liveness.end()]);
  });
  const projector = feedReadModel({ ...options, startProjector });
  const verified = Promise.race([projector.verified, pause(verifiedBoundMs, undefined, { ref: false })]);
  const askingNow = askingOf(liveness, () => projector.status().otherLog);
  const asking: Asking = async (run) => {
    await verified;
    return askingNow(run);
  };
  return {
    queries: readModelQueries(reading, asking),
    deadLetters: redriveRequests(noting, { asking }),
    problem: liveness.problem,
    position: projector.position,
    waitFor: projector.waitFor,
    status: projector.status,
  };
}

/** Feeds the tables from the event store until the app is stopped. A simulation starts a projector on its own database. */
export function feedReadModel(options: {
  readonly databaseUrl: string;
  readonly store: FollowedStore;
  readonly log: ProjectorLog;
  readonly stopping: Pick<Stopping, "add">;
  readonly startProjector: typeof startProjector;
}): Projector {
  const { databaseUrl, store, log, stopping } = options;
  const { followLog: follow, readStream, head, identity } = store;
  const fed = { databaseUrl, projections, follow, readStream, head, identity, log };
  const projector = options.startProjector(fed);
  stopping.add("projector", stopBoundsMs.projector, projector.stop);
  return projector;
}
