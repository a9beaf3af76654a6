// The composition root: opens what the configuration names, wires it, serves, and stops everything in the other order.
// Only the wiring of src/app knows everyone. Knows no signals, no exit codes and no terminal: those are main.ts's.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config.ts";
import { type Instant, instantFromEpochMs } from "../domain/instant.ts";
import { type DurableParts, durableParts } from "../durable-appends.ts";
import { connectEventStore } from "../eventstore/client.ts";
import type { HttpApp } from "../http/app.ts";
import type { Log } from "../log.ts";
import { createStopping, type Stopping } from "../processes/stopping.ts";
import { serve } from "../runtime.ts";
import { startServers } from "../servers.ts";
import type { WelcomeFacts } from "../welcome.ts";
import { connect } from "./connect.ts";
import { claimDataDirectory, readKeys } from "./identity.ts";
import { openReadSide } from "./read-side.ts";
import { serveHttp } from "./serve-http.ts";
import { openWriteSide } from "./write-side.ts";

/** Everything outside the wiring that a test may replace; the rest is always the real thing. */
export interface AppPorts extends DurableParts {
  readonly connectEventStore: typeof connectEventStore;
  readonly openReadSide: typeof openReadSide;
  /** How requests come in. */
  readonly serve: typeof serve;
  readonly now: () => Instant;
  readonly newRequestId: () => string;
}

export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  /** Called where nothing more can be acknowledged: whoever started the app has to stop it, and to say so loudly. */
  readonly onFailed: (reason: string) => void;
  /** Absent ones are the real ones. */
  readonly ports?: Partial<AppPorts>;
}

export interface RunningApp {
  readonly port: number;
  /** Answers one request as the server does; never throws. */
  readonly handle: HttpApp["handle"];
  readonly adminKey: WelcomeFacts["adminKey"];
  /** The path of a link that signs in with the admin key: once, and within a few minutes. */
  readonly newSignInPath: () => string;
}

export interface App {
  /**
   * To be called once. Resolves when requests are served, to undefined where the app was stopped before. Rejects with an
   * Error of one clear line where it cannot start; `stop` then ends what had been opened.
   */
  readonly start: () => Promise<RunningApp | undefined>;
  /** Ends everything in the other order, each within its bound. Never rejects; a second call awaits the first. */
  readonly stop: () => Promise<void>;
}

/** What every room of the wiring is given. */
export interface Surroundings {
  readonly config: Config;
  readonly log: Log;
  readonly stopping: Stopping;
  readonly ports: AppPorts;
}

/** What is being started has to be there before it can be ended; one that hangs is not waited for. */
const startBoundMs = 5_000;

export function createApp({ config, log, onFailed, ports }: AppOptions): App {
  const stopping = createStopping((name, problem) => log.warn({ name, problem }, "not stopped in order"));
  const around: Surroundings = { config, log, stopping, ports: { ...realPorts, ...ports } };
  let isStopping = false;
  let started: Promise<unknown> = Promise.resolve();

  async function start(): Promise<RunningApp | undefined> {
    const dataDir = claimDataDirectory(config.dataDir, stopping);
    const keys = readKeys(dataDir, around);
    const servers = await startServers(config, dataDir, log, stopping);
    const { store, registry } = await connect({ ...servers, dataDir, keys }, around);
    const readSide = around.ports.openReadSide({ databaseUrl: servers.databaseUrl, store, log, stopping });
    const writeSide = await openWriteSide({ dataDir, store, registry, onFailed }, around);
    if (isStopping) return undefined;
    const http = serveHttp({ store, registry, readSide, writeSide, keys }, around);
    return { ...http, adminKey: keys.admin.facts };
  }

  return {
    start: () => {
      const starting = start();
      started = starting;
      return starting;
    },
    stop: async () => {
      isStopping = true;
      await Promise.race([started.catch(() => {}), pause(startBoundMs)]);
      await stopping.run();
    },
  };
}

const realPorts: AppPorts = {
  connectEventStore,
  openReadSide,
  ...durableParts,
  serve,
  now: () => {
    const instant = instantFromEpochMs(Date.now());
    if (instant === undefined) throw new Error("This machine's clock is outside the years 0001 to 9999.");
    return instant;
  },
  newRequestId: randomUUID,
};
