// What answers requests: the routes over the read side and the write side, metrics and readiness over both, and the
// server that lets requests in.

import description from "../../package.json" with { type: "json" };
import { createSessions, digestOfKey } from "../authentication/sessions.ts";
import { createSignInLinks } from "../authentication/sign-in-links.ts";
import { parseIncidentId } from "../domain/ids.ts";
import { incidentStreamPrefix } from "../domain/stored-events.ts";
import type { EventStore } from "../eventstore/client.ts";
import { admission } from "../http/admission.ts";
import { createHttp, type HttpApp } from "../http/app.ts";
import { createMetrics } from "../http/metrics.ts";
import type { HttpDependencies, Metrics } from "../http/ports.ts";
import type { AcknowledgedLog } from "../intake/acknowledged-log.ts";
import { eventsOfIncident } from "../intake/incident-events.ts";
import { createQuotas } from "../intake/quotas.ts";
import type { RegistryService } from "../intake/registry.ts";
import { askAll, shared } from "../readiness.ts";
import { openChanges } from "../readmodel/changes.ts";
import type { HttpServer } from "../runtime.ts";
import type { RunningApp, Surroundings } from "./create-app.ts";
import type { Keys } from "./identity.ts";
import type { ReadSide } from "./read-side.ts";
import { readYourWrites } from "./read-your-writes.ts";
import type { WriteSide } from "./write-side.ts";

/** Everything that requests are answered from. */
interface Rooms {
  readonly store: EventStore & AcknowledgedLog;
  readonly registry: RegistryService;
  readonly readSide: ReadSide;
  readonly writeSide: WriteSide;
  readonly keys: Keys;
}

/** Ready is to be honest within 2 s of any loss; the rest is for what is asked before, and for a machine that is busy. */
const readyBoundMs = 1_000;
const idleSeconds = 30;
const stopBoundsMs = { changes: 600, streams: 100 };

export function serveHttp(
  rooms: Rooms,
  around: Surroundings,
): Pick<RunningApp, "port" | "handle" | "newSignInPath"> {
  const { config, log, stopping } = around;
  const { maxBodyBytes, drainTimeoutMs } = config;
  const { now, newRequestId } = around.ports;
  const { store, registry, readSide, writeSide, keys } = rooms;
  const metrics = metricsOf(rooms);
  const signInLinks = createSignInLinks({ nowMs: Date.now });
  const changes = openChanges({ follow: store.followLog, head: store.head, waitFor: readSide.waitFor });
  stopping.add("changes for open pages", stopBoundsMs.changes, changes.stop);
  const http = createHttp({
    registry,
    sessions: createSessions({ secret: keys.sessions, nowMs: Date.now }),
    signInLinks,
    changes,
    quotas: createQuotas({ nowMs: () => performance.now(), bytesPerDay: config.keyBytesPerDay }),
    record: writeSide.record,
    native: writeSide.native,
    keepRefused: writeSide.keepRefused,
    queries: readSide.queries,
    deadLetters: readSide.deadLetters,
    ...readYourWrites({ store, writeSide, readSide }),
    ...replaying(rooms),
    ...readinessOf(rooms, around),
    metrics,
    metricsKey: config.metricsKey,
    log,
    now,
    newRequestId,
    maxBodyBytes,
    version: description.version,
  });
  const handle = admission({ handle: http.handle, metrics, log, newRequestId, maxBodyBytes });
  const server = listen(handle, around);
  stopping.add("HTTP", drainTimeoutMs + 200, () => server.stop(drainTimeoutMs));
  // Ended before the server: a page that waits for news would keep it waiting.
  stopping.add("streams of open pages", stopBoundsMs.streams, http.closeStreams);
  return {
    port: server.port,
    handle,
    newSignInPath: () => `/sign-in#${signInLinks.issue(digestOfKey(keys.admin.key))}`,
  };
}

function metricsOf({ readSide, writeSide: { durable } }: Rooms): Metrics {
  return createMetrics({
    spooled: () => durable.spool().waiting,
    spooledBytes: () => durable.spool().bytes,
    oldestSpooledSeconds: () => {
      const { oldestAt } = durable.spool();
      return oldestAt === undefined ? 0 : Math.max(0, (Date.now() - oldestAt) / 1000);
    },
    spoolBacklogSeconds: () => durable.drained().backlogSeconds,
    damagedInSpool: () => durable.spool().damaged,
    forwarded: () => durable.drained().forwarded,
    refusedByStore: () => durable.drained().refused,
    projectorLagSeconds: () => readSide.status().lagSeconds,
    projectorLagBytes: () => Number(readSide.status().lagBytes),
    projectorPosition: () => Number(readSide.position()),
    deadLetters: () => readSide.status().deadLetters,
  });
}

function replaying({ store }: Rooms): Pick<HttpDependencies, "replayIncident" | "replayProject"> {
  return {
    replayIncident: (project, text) => {
      const incident = parseIncidentId(text);
      return incident === undefined ? nothing() : eventsOfIncident(store.readStream, project, incident);
    },
    replayProject: (project) => store.readLog({ prefixes: [`${incidentStreamPrefix}${project}.`] }),
  };
}

/** An incident_id that cannot be has no events. */
async function* nothing(): AsyncGenerator<never> {}

function readinessOf(
  { store, registry, readSide, writeSide: { durable } }: Rooms,
  { config }: Surroundings,
): Pick<HttpDependencies, "takesWebhooks" | "dependencies"> {
  return {
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
          postgres: readSide.problem,
          projector: () => readSide.status().lastError,
          spool: () => {
            const backlog = durable.backlog();
            return durable.spoolProblem() ?? (backlog === undefined ? undefined : { fine: backlog });
          },
        },
        readyBoundMs,
      ),
    ),
  };
}

function listen(handle: HttpApp["handle"], { config, ports }: Surroundings): HttpServer {
  const { host, port } = config;
  try {
    return ports.serve({ host, port, idleSeconds, handle });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot listen on ${host}:${port}: ${reason}. Set HOST and PORT to others.`, {
      cause: error,
    });
  }
}
