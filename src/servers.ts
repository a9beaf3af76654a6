// The servers that come with the service: the embedded event store and the embedded Postgres, each only where no URL
// names another. Knows how they are started and ended, not what they are for.

import { join } from "node:path";
import { type Config, childEnvironment, environment } from "./config.ts";
import type { Log } from "./log.ts";
import { type EmbeddedEventStore, startEmbeddedEventStore } from "./processes/event-store-process.ts";
import { steadyPort } from "./processes/ports.ts";
import type { Stopping } from "./processes/stopping.ts";
import type { Watcher } from "./processes/supervised-process.ts";
import { startEmbeddedPostgres } from "./readmodel/embedded-postgres.ts";

/** Both are ended at once, by then nobody uses them. */
const stopBoundMs = 3_400;

/** Starts what no URL was given for; both at once. */
export async function startServers(
  config: Config,
  dataDir: string | undefined,
  log: Log,
  stopping: Stopping,
): Promise<{ readonly eventstore: string | EmbeddedEventStore; readonly databaseUrl: string }> {
  const env = childEnvironment(environment());
  const ends: (() => Promise<void>)[] = [];
  stopping.add("embedded servers", stopBoundMs, async () => {
    await Promise.all(ends.map((end) => end()));
  });

  const eventstore = async (): Promise<string | EmbeddedEventStore> => {
    if (config.eventstoreUrl !== undefined) return config.eventstoreUrl;
    const directory = dataDir ?? config.dataDir;
    log.info({}, "starting the embedded event store");
    const server = await startEmbeddedEventStore({
      directory: join(directory, "eventstore"),
      env,
      watcher: watcherOf("event store", log),
    });
    ends.push(server.stop);
    return server;
  };
  const postgres = async (): Promise<string> => {
    if (config.databaseUrl !== undefined) return config.databaseUrl;
    const directory = dataDir ?? config.dataDir;
    log.info({}, "starting the embedded Postgres");
    const server = await startEmbeddedPostgres({
      directory: join(directory, "postgres"),
      port: () => steadyPort(join(directory, "ports.json"), "postgres"),
      env,
      watcher: watcherOf("Postgres", log),
      // The read model follows; a webhook that waits is a sender that gives up.
      niceness: 10,
    });
    ends.push(server.stop);
    return server.url;
  };
  const [store, database] = await Promise.allSettled([eventstore(), postgres()]);
  if (store.status === "rejected") throw store.reason;
  if (database.status === "rejected") throw database.reason;
  return { eventstore: store.value, databaseUrl: database.value };
}

function watcherOf(name: string, log: Log): Watcher {
  return {
    // What is damaged must not pass unseen among what servers have to say.
    line: (line) =>
      line.startsWith('{"event":"damaged')
        ? log.error({ line }, `the embedded ${name} found damage`)
        : log.debug({ line }, `the embedded ${name} printed a line`),
    ready: (pid) => log.info({ process: pid }, `the embedded ${name} is ready`),
    lost: (reason, retryInMs) =>
      log.warn({ reason, retryInMs }, `the embedded ${name} is lost; it is started again`),
  };
}
