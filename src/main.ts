// The composition root: reads the configuration, starts what is embedded, opens the clients, wires, serves, and stops
// everything in the other order. The only file that knows everyone.

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import description from "../package.json" with { type: "json" };
import { projections } from "../projections/index.ts";
import { type Config, environment, readConfig, thisMachine } from "./config.ts";
import { parseIncidentId } from "./domain/ids.ts";
import { type Instant, instantFromEpochMs } from "./domain/instant.ts";
import { incidentStream, incidentStreamPrefix } from "./domain/stored-events.ts";
import { openDurableAppends } from "./durable-appends.ts";
import { connectEventStore } from "./eventstore/client.ts";
import { admission } from "./http/admission.ts";
import { createHttp, type HttpApp } from "./http/app.ts";
import { createMetrics } from "./http/metrics.ts";
import { type NativeWebhook, parseNative } from "./intake/native-payload.ts";
import { quarantineReader } from "./intake/quarantine-reader.ts";
import { createQuotas } from "./intake/quotas.ts";
import { readNative, receiveNative, redriveQuarantined } from "./intake/receive-native.ts";
import { recordSignals } from "./intake/record-webhook.ts";
import { startRegistry } from "./intake/registry.ts";
import { createSealing } from "./intake/sealing.ts";
import { createSns } from "./intake/verify-sns.ts";
import { createLog, type Log } from "./log.ts";
import { keepAdminKey, keepSecretsKey, openDataDirectory } from "./processes/data-directory.ts";
import { lockDirectory } from "./processes/directory-lock.ts";
import { watchLauncher } from "./processes/launcher.ts";
import { createStopping, type Stopping } from "./processes/stopping.ts";
import { askAll, shared } from "./readiness.ts";
import { watchLiveness } from "./readmodel/liveness.ts";
import { openPostgres } from "./readmodel/postgres.ts";
import { checkPostgres } from "./readmodel/postgres-problem.ts";
import { startProjector } from "./readmodel/projector.ts";
import { readModelQueries } from "./readmodel/queries.ts";
import { redriveRequests } from "./readmodel/redrive-requests.ts";
import { askingOf } from "./readmodel/unavailable.ts";
import { openRegistryFile } from "./registry-file.ts";
import { type HttpServer, serve } from "./runtime.ts";
import { startServers } from "./servers.ts";
import { readPayload, recogniseSource, sourceNamed, sources } from "./sources/registry.ts";
import type { SignatureScheme } from "./sources/source.ts";
import { type WelcomeFacts, welcomeText } from "./welcome.ts";

/** Ready is to be honest within 2 s of any loss; the rest is for what is asked before, and for a machine that is busy. */
const readyBoundMs = 1_000;
/** A long registry is read in less; a store that is lost meanwhile must not hold up the start for ever. */
const registryBoundMs = 10_000;
const rememberedBoundMs = 1_500;
/** With `drainTimeoutMs` at its default they add up to less than the 10 s that a stop may take. */
const stopBoundsMs = { projector: 800, registry: 300, client: 700, pools: 500 };

async function run(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const stopping = createStopping((name, problem) => log.warn({ name, problem }, "not stopped in order"));
  let isStopping = false;
  let started: Promise<void> = Promise.resolve();

  const stop = async (reason: string, exitCode: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log.info({ reason }, "stopping");
    // What is being started has to be there before it can be ended.
    await Promise.race([started.catch(() => {}), pause(5_000)]);
    await stopping.run();
    log.info({}, "stopped");
    process.exit(exitCode);
  };
  // npm and the terminal may both pass on the same signal: only the first counts.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void stop(signal, 0));
  watchLauncher(() => void stop("what started the service is gone", 0));
  process.on("uncaughtException", (error: unknown) => {
    log.error(described(error), "this is a bug in Incident Ledger");
    void stop("uncaughtException", 1);
  });
  // postgres.js leaves promises of its own behind when a connection is lost while it opens: no reason to take no
  // more webhooks.
  process.on("unhandledRejection", (error: unknown) => {
    log.error(described(error), "a promise was rejected that nobody waits for");
  });

  // With all that ends it in place: making the database takes a while in which nothing else runs.
  started = start(
    config,
    log,
    stopping,
    () => isStopping,
    (reason) => {
      log.fatal({ reason }, "nothing more can be acknowledged");
      void stop(reason, 1);
    },
  );
  try {
    await started;
  } catch (error) {
    if (isStopping) return;
    isStopping = true;
    await stopping.run();
    console.error(reasonOf(error));
    process.exit(1);
  }
}

async function start(
  config: Config,
  log: Log,
  stopping: Stopping,
  isStopping: () => boolean,
  fail: (reason: string) => void,
): Promise<void> {
  const dataDir = claimDataDirectory(config.dataDir, stopping);
  const embedsSome = config.eventstoreUrl === undefined || config.databaseUrl === undefined;
  // Several processes on servers of their own must agree on one admin key, so none of them may make one up.
  const adminKey = chooseAdminKey(config, embedsSome ? dataDir : undefined, log);
  const secretsKey = config.secretsKey ?? (embedsSome ? keepSecretsKey(dataDir) : undefined);
  const servers = await startServers(config, dataDir, log, stopping);

  const store = connectEventStore({ url: servers.eventstoreUrl, log });
  stopping.add("event store client", stopBoundsMs.client, store.close);
  const registryFile = await openRegistryFile(dataDir, log);
  const [storeProblem, postgresProblem] = await Promise.all([
    // Whoever remembers the keys need not wait long: what the store does not take, the spool does.
    store.problem(registryFile.remembered === undefined ? undefined : rememberedBoundMs),
    checkPostgres(servers.databaseUrl),
  ]);
  if (storeProblem !== undefined) {
    // Without a memory of the keys nobody could be told from a stranger.
    if (storeProblem.isLasting || registryFile.remembered === undefined) throw new Error(storeProblem.line);
    const reason = storeProblem.line;
    log.warn({ reason }, "webhooks are spooled, with the keys known before, until the event store is there");
  }
  if (postgresProblem?.isLasting === true) throw new Error(postgresProblem.line);
  if (postgresProblem !== undefined) {
    log.warn({ reason: postgresProblem.line }, "webhooks are taken; queries wait until Postgres is there");
  }

  const registry = startRegistry({
    append: store.append,
    follow: store.followStream,
    adminKey: adminKey.key,
    log,
    snapshots: registryFile,
    ...(secretsKey === undefined ? {} : { sealing: createSealing(secretsKey) }),
  });
  stopping.add("registry", stopBoundsMs.registry, registry.stop);
  // Until it has been read, what happened since it was remembered is unknown.
  if (storeProblem === undefined) await until(registry.ready, registryBoundMs);
  const reading = openPostgres(servers.databaseUrl, {
    maxConnections: 10,
    applicationName: "incident-ledger-queries",
    readOnly: true,
    statementTimeoutMs: 10_000,
  });
  const noting = openPostgres(servers.databaseUrl, {
    maxConnections: 1,
    applicationName: "incident-ledger-redrive",
    statementTimeoutMs: 10_000,
  });
  const liveness = watchLiveness(() =>
    openPostgres(servers.databaseUrl, {
      maxConnections: 1,
      applicationName: "incident-ledger-liveness",
      readOnly: true,
      statementTimeoutMs: 1_000,
    }),
  );
  const asking = askingOf(liveness);
  stopping.add("Postgres connections", stopBoundsMs.pools, async () => {
    await Promise.all([reading.end({ timeout: 0 }), noting.end({ timeout: 0 }), liveness.end()]);
  });
  const projector = startProjector({
    databaseUrl: servers.databaseUrl,
    projections,
    follow: store.followLog,
    readStream: store.readStream,
    head: store.head,
    log,
  });
  stopping.add("projector", stopBoundsMs.projector, projector.stop);

  const durable = await openDurableAppends({
    config,
    dataDir,
    append: store.append,
    readStream: store.readStream,
    log,
    stopping,
    onFailed: fail,
  });
  const metrics = createMetrics({
    spooled: () => durable.spool().waiting,
    spooledBytes: () => durable.spool().bytes,
    oldestSpooledSeconds: () => {
      const { oldestAt } = durable.spool();
      return oldestAt === undefined ? 0 : Math.max(0, (Date.now() - oldestAt) / 1000);
    },
    damagedInSpool: () => durable.spool().damaged,
    forwarded: () => durable.drained().forwarded,
    refusedByStore: () => durable.drained().refused,
    projectorLagSeconds: () => projector.status().lagSeconds,
    projectorLagBytes: () => Number(projector.status().lagBytes),
    projectorPosition: () => Number(projector.position()),
    deadLetters: () => projector.status().deadLetters,
  });
  const record = recordSignals(durable.append);
  const quarantine = quarantineReader(store.readStream);
  const native = { read: readPayload, record, append: durable.append, quarantine };
  const sns = createSns({ mode: config.sns, fetch: (url, init) => fetch(url, init), log, now });
  const http = createHttp({
    registry,
    quotas: createQuotas({ nowMs: () => performance.now() }),
    record,
    native: {
      sources,
      receive: (webhook, context) => receiveNative(webhook, context, native),
      preview: (webhook) => readNative(webhook, readPayload),
      schemeOf,
      checkSns: sns.check,
      quarantine: quarantine.list,
      redrive: (asked, context) => redriveQuarantined(asked, context, native),
    },
    queries: readModelQueries(reading, asking),
    deadLetters: redriveRequests(noting, { asking }),
    waitFor: projector.waitFor,
    replayIncident: (project, text) => {
      const incident = parseIncidentId(text);
      return incident === undefined ? nothing() : store.readStream(incidentStream(project, incident));
    },
    replayProject: (project) => store.readLog({ prefixes: [`${incidentStreamPrefix}${project}.`] }),
    takesWebhooks: shared(async () => {
      if (!registry.tellsKeys()) return "the keys have not been read from the event store yet";
      const problem = durable.spoolProblem();
      if (problem === undefined) return undefined;
      // The event store alone may still take them.
      const isTaken = config.ack === "store" && (await store.check(readyBoundMs)) === undefined;
      return isTaken ? undefined : `the spool takes nothing: ${problem}`;
    }),
    dependencies: shared(() =>
      askAll(
        {
          eventstore: () => store.check(readyBoundMs),
          registry: () => (registry.ready() ? undefined : "not read from the event store yet"),
          postgres: async () => {
            await reading`select 1`;
            return undefined;
          },
          projector: () => projector.status().lastError,
          spool: durable.spoolProblem,
        },
        readyBoundMs,
      ),
    ),
    metrics,
    log,
    now,
    newRequestId: randomUUID,
    maxBodyBytes: config.maxBodyBytes,
    version: description.version,
  });
  if (isStopping()) return;
  const { maxBodyBytes } = config;
  const letIn = admission({ handle: http.handle, metrics, log, newRequestId: randomUUID, maxBodyBytes });
  const server = listen(config, letIn);
  stopping.add("HTTP", config.drainTimeoutMs + 200, () => server.stop(config.drainTimeoutMs));
  const welcome = welcomeText({
    host: config.host,
    port: server.port,
    eventstoreUrl: config.eventstoreUrl === undefined ? servers.eventstoreUrl : undefined,
    adminKey: adminKey.facts,
  });
  // Someone who asked for JSON parses what comes on stdout.
  (config.logFormat === "json" ? process.stderr : process.stdout).write(`${welcome}\n`);
}

/** Waits for the condition, at most this long. */
async function until(holds: () => boolean, boundMs: number): Promise<void> {
  const end = Date.now() + boundMs;
  while (!holds() && Date.now() < end) await pause(10);
}

function listen(config: Config, handle: HttpApp["handle"]): HttpServer {
  const { host, port } = config;
  try {
    return serve({ host, port, idleSeconds: 30, handle });
  } catch (error) {
    throw new Error(`Cannot listen on ${host}:${port}: ${reasonOf(error)}. Set HOST and PORT to others.`, {
      cause: error,
    });
  }
}

/** How the source that would read the webhook signs. */
function schemeOf(webhook: NativeWebhook): SignatureScheme | undefined {
  if (webhook.source !== "auto") return sourceNamed(webhook.source)?.signature;
  const parsed = parseNative(webhook);
  return parsed.ok ? recogniseSource(parsed.payload)?.signature : undefined;
}

/** An incident_id that cannot be has no events. */
async function* nothing(): AsyncGenerator<never> {}

function now(): Instant {
  const instant = instantFromEpochMs(Date.now());
  if (instant === undefined) throw new Error("This machine's clock is outside the years 0001 to 9999.");
  return instant;
}

/** Makes the directory and keeps everybody else off it for as long as this process lives. */
function claimDataDirectory(path: string, stopping: Stopping): string {
  const dataDir = openDataDirectory(path);
  const locking = lockDirectory(dataDir);
  if (locking.tag === "held") {
    const holder = locking.holder === undefined ? "" : ` (process ${locking.holder})`;
    throw new Error(
      `Cannot start: another Incident Ledger${holder} uses DATA_DIR "${dataDir}". Stop it, or set DATA_DIR and PORT to others.`,
    );
  }
  stopping.add("lock", 100, locking.release);
  return dataDir;
}

function chooseAdminKey(
  config: Config,
  dataDir: string | undefined,
  log: Log,
): { readonly key: string; readonly facts: WelcomeFacts["adminKey"] } {
  if (config.adminApiKey !== undefined)
    return { key: config.adminApiKey, facts: { tag: "from_environment" } };
  if (dataDir === undefined) {
    log.warn({}, "ADMIN_API_KEY is not set: nobody can register projects or issue keys with this process");
    return { key: randomBytes(32).toString("hex"), facts: { tag: "none" } };
  }
  const { key, file, isNew } = keepAdminKey(dataDir);
  return { key, facts: isNew ? { tag: "new", key, file } : { tag: "kept", file } };
}

function described(error: unknown): object {
  return { reason: reasonOf(error), stack: error instanceof Error ? error.stack : undefined };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const reading = readConfig(environment(), thisMachine());
if (!reading.ok) {
  for (const problem of reading.problems) console.error(problem);
  process.exit(1);
}
await run(reading.value);
