// Opens the event store client and the registry that is read through it, and looks once whether both servers are there.

import { setTimeout as pause } from "node:timers/promises";
import type { EventStore } from "../eventstore/client.ts";
import type { StoreAddress } from "../eventstore/open-client.ts";
import { type AcknowledgedLog, acknowledgedLog } from "../intake/acknowledged-log.ts";
import { type RegistryService, startRegistry } from "../intake/registry.ts";
import { createSealing } from "../intake/sealing.ts";
import type { Log } from "../log.ts";
import { checkPostgres } from "../readmodel/postgres-problem.ts";
import { openRegistryFile, type RegistryFile } from "../registry-file.ts";
import type { Surroundings } from "./create-app.ts";
import type { Keys } from "./identity.ts";

/** A long registry is read in less; a store that is lost meanwhile must not hold up the start for ever. */
const registryBoundMs = 10_000;
const rememberedBoundMs = 1_500;
const stopBoundsMs = { client: 700, registry: 300 };

/** Throws where waiting would help neither server, and where nobody's key can be told. */
export async function connect(
  options: {
    readonly eventstore: StoreAddress;
    readonly databaseUrl: string;
    readonly dataDir: string;
    readonly keys: Keys;
  },
  { log, stopping, ports }: Surroundings,
): Promise<{ readonly store: EventStore & AcknowledgedLog; readonly registry: RegistryService }> {
  const connected = ports.connectEventStore({ url: options.eventstore, log });
  const store = { ...connected, ...acknowledgedLog(connected) };
  stopping.add("event store client", stopBoundsMs.client, store.close);
  const registryFile = await openRegistryFile(options.dataDir, log);
  const storeAnswers = await lookAtServers(
    { store, databaseUrl: options.databaseUrl, remembered: registryFile.remembered },
    log,
  );
  // Before everything else that is appended. Where the store is away, the projector gives the log its identity later.
  if (storeAnswers === "yes") {
    await store.identity.id().catch((error: unknown) => {
      log.warn({ reason: String(error) }, "the log's identity cannot be read yet");
    });
  }
  const { admin, secrets } = options.keys;
  const registry = startRegistry({
    append: store.append,
    follow: store.followStream,
    adminKey: admin.key,
    log,
    snapshots: registryFile,
    ...(secrets === undefined ? {} : { sealing: createSealing(secrets) }),
  });
  stopping.add("registry", stopBoundsMs.registry, registry.stop);
  // Until it has been read, what happened since it was remembered is unknown.
  if (storeAnswers === "yes") await until(registry.ready, registryBoundMs);
  return { store, registry };
}

async function lookAtServers(
  at: { readonly store: EventStore; readonly databaseUrl: string } & Pick<RegistryFile, "remembered">,
  log: Log,
): Promise<"yes" | "not yet"> {
  const [storeProblem, postgresProblem] = await Promise.all([
    // Whoever remembers the keys need not wait long: what the store does not take, the spool does.
    at.store.problem(at.remembered === undefined ? undefined : rememberedBoundMs),
    checkPostgres(at.databaseUrl),
  ]);
  if (storeProblem !== undefined) {
    // Without a memory of the keys nobody could be told from a stranger.
    if (storeProblem.isLasting || at.remembered === undefined) throw new Error(storeProblem.line);
    const reason = storeProblem.line;
    log.warn({ reason }, "webhooks are spooled, with the keys known before, until the event store is there");
  }
  if (postgresProblem?.isLasting === true) throw new Error(postgresProblem.line);
  if (postgresProblem !== undefined) {
    log.warn({ reason: postgresProblem.line }, "webhooks are taken; queries wait until Postgres is there");
  }
  return storeProblem === undefined ? "yes" : "not yet";
}

/** Waits for the condition, at most this long. */
async function until(holds: () => boolean, boundMs: number): Promise<void> {
  const end = Date.now() + boundMs;
  while (!holds() && Date.now() < end) await pause(10);
}
