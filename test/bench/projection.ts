// Prints how fast events become rows: a rebuild of the read model, and what one more event costs as histories grow.
// The feed is made up, so that the figures are those of decoding, projections and Postgres (durable as in production).

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { projections } from "../../projections/index.ts";
import { instantFromEpochMs } from "../../src/domain/instant.ts";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import type { FollowLog } from "../../src/readmodel/event-feed.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { startProjector } from "../../src/readmodel/projector.ts";
import { anyLog } from "../readmodel/log-feed.ts";
import { removeDataDir } from "../running-service.ts";
import { benchDirectory } from "./started.ts";

const start = Date.UTC(2025, 0, 1);
const projects = Array.from({ length: 5 }, (_, index) => uuidOf(`project ${index}`));

interface Said {
  readonly project: string;
  readonly incident: string;
  readonly status: string;
  readonly atMs: number;
  readonly receivedAtMs?: number;
  readonly monitor?: string;
}

function uuidOf(text: string): string {
  const hash = createHash("md5").update(text).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

const instant = (ms: number): string => instantFromEpochMs(ms) ?? "";

let position = 0n;

/** As it would be read back from the store, payload and all. */
function recorded({ project, incident, status, atMs, receivedAtMs, monitor }: Said): RecordedEvent {
  position += 900n;
  const monitor_id = monitor ?? "monitor";
  const fields = {
    project_uuid: project,
    incident_id: incident,
    status,
    incident_time: instant(start + atMs),
    monitor_name: `checkout ${monitor_id}`,
    monitor_id,
    message: `[checkout ${monitor_id}] [${status}] Request failed with status code 503`,
    local_time: "2025-01-15 11:30:14",
    timezone: "Europe/Berlin",
  };
  return {
    id: uuidOf(`${project} ${incident} ${status} ${atMs}`),
    type: "IncidentSignalRecorded",
    stream: `incident-${project}.${encodeURIComponent(incident)}`,
    revision: 0n,
    position,
    recorded_at: new Date(start + atMs),
    data: { ...fields, payload: JSON.stringify(fields) },
    metadata: {
      received_at: instant(start + (receivedAtMs ?? atMs) + 350),
      source: "webhook",
      key_id: project,
      $correlationId: "5f6d1f2a",
    },
  };
}

/** Many monitors that fail, repeat, recover and fail again; one in fifty sends its recovery under another id. */
function* realistic(count: number, incidents: number): Generator<Said> {
  const state = new Uint8Array(incidents);
  let seed = 42;
  const random = (): number => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let index = 0; index < count; index++) {
    const which = Math.floor(random() * incidents);
    const project = projects[which % projects.length] ?? "";
    const down = state[which] ?? 0;
    const isUp = down > 0 && random() < 0.7;
    const other = isUp && which % 50 === 0;
    state[which] = isUp ? 0 : down + 1;
    yield {
      project,
      incident: other ? `recovery-${which}-${index}` : `monitor-${which}`,
      status: isUp ? "up" : "DOWN",
      atMs: index * 37,
      receivedAtMs: index * 37 + Math.floor(random() * 200),
      monitor: String(which),
    };
  }
}

const feedOf = (events: Iterable<Said>): FollowLog =>
  async function* follow({ maxEvents, signal }) {
    let batch: RecordedEvent[] = [];
    for (const said of events) {
      batch.push(recorded(said));
      if (batch.length < maxEvents) continue;
      yield { events: batch, upTo: position, caughtUp: false };
      batch = [];
      if (signal.aborted) return;
    }
    // The tables are built aside until the feed says that it has handed over everything.
    yield { events: batch, upTo: position, caughtUp: true };
    if (signal.aborted) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  };

const directory = await benchDirectory();
mkdirSync(join(directory, "postgres"), { mode: 0o755 });
const server = await startEmbeddedPostgres({
  directory: join(directory, "postgres"),
  port: await freePort(),
  env: {},
  watcher: { line: () => {}, ready: () => {}, lost: () => {} },
});
const sql = openPostgres(server.url, { maxConnections: 1, applicationName: "bench", statementTimeoutMs: 0 });

/** Events a second. The events are made before the clock starts. */
async function play(events: Iterable<Said>, maxBatchEvents = 5_000): Promise<number> {
  const said = [...events];
  const last = position + BigInt(said.length) * 900n;
  const begin = performance.now();
  const projector = startProjector({
    databaseUrl: server.url,
    projections,
    follow: feedOf(said),
    readStream: async function* () {},
    head: async () => undefined,
    identity: anyLog,
    log: { error: () => {}, info: () => {}, warn: (fields, message) => console.error(message, fields) },
    maxBatchEvents,
  });
  if (!(await projector.waitFor(last, 600_000)))
    throw new Error("the events did not all become rows in 10 minutes");
  const seconds = (performance.now() - begin) / 1000;
  await projector.stop();
  return said.length / seconds;
}

const empty = async (): Promise<void> => {
  position = 0n;
  await sql`drop schema if exists ledger cascade`;
};
const shown = (perSecond: number): string => Math.round(perSecond).toLocaleString("en");
const project = projects[0] ?? "";

/** One incident that goes down, repeats and recovers, over and over. */
function* cycles(count: number, fromMs: number, incident = "busy"): Generator<Said> {
  for (let index = 0; index < count; index++) {
    yield { project, incident, status: index % 3 === 2 ? "up" : "DOWN", atMs: fromMs + index * 1000 };
  }
}

/** One incident that stays down and says so over and over. */
function* repeats(count: number, fromMs: number): Generator<Said> {
  for (let index = 0; index < count; index++) {
    yield { project, incident: "long", status: "DOWN", atMs: fromMs + index * 1000 };
  }
}

/** Recoveries under ids of their own, of a monitor that never alerts. */
function* strangers(count: number, fromMs: number): Generator<Said> {
  for (let index = 0; index < count; index++) {
    yield {
      project,
      incident: `stranger-${fromMs}-${index}`,
      status: "up",
      atMs: fromMs + index * 1000,
      monitor: "stranger",
    };
  }
}

const day = 86_400_000;

interface Scenario {
  readonly what: string;
  readonly history: (count: number) => Iterable<Said>;
  readonly more: (historyCount: number) => Iterable<Said>;
}

/** Measured after a short history and after a long one. */
const scenarios: readonly Scenario[] = [
  {
    what: "an incident with N earlier signals, in order",
    history: (count) => cycles(count, 0),
    more: () => cycles(6_000, 1000 * day),
  },
  {
    what: "an open outage of N alerts that gets more, in order",
    history: (count) => repeats(count, 0),
    more: () => repeats(6_000, 1000 * day),
  },
  {
    what: "a project with N recoveries that match nothing: another incident, in order",
    history: (count) => strangers(count, 0),
    more: () => cycles(6_000, 1000 * day),
  },
  {
    what: "a project with N recoveries that match nothing: more of them, in order",
    history: (count) => strangers(count, 0),
    more: () => strangers(3_000, 1000 * day),
  },
  {
    what: "an incident with N earlier signals: late alerts in its middle",
    history: (count) => cycles(count, 0),
    more: (count) =>
      Array.from({ length: 600 }, (_, index) => ({
        project,
        incident: "busy",
        status: "DOWN",
        atMs: Math.floor(count / 2) * 1000 + index * 7 + 1,
      })),
  },
  {
    what: "an open outage of N alerts: late alerts in its middle",
    history: (count) => repeats(count, 0),
    more: (count) =>
      Array.from({ length: 600 }, (_, index) => ({
        project,
        incident: "long",
        status: "DOWN",
        atMs: Math.floor(count / 2) * 1000 + index * 7 + 1,
      })),
  },
];

const size = Number(process.argv[2] ?? 300_000);
const [short, long] = [100, Number(process.argv[3] ?? 100_000)];

try {
  console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Postgres with fsync on`);
  await empty();
  const rebuild = await play(realistic(size, 2_000));
  console.log(`rebuild of ${size.toLocaleString("en")} events of 2,000 monitors: ${shown(rebuild)} events/s`);
  for (const { what, history, more } of scenarios) {
    const speeds: number[] = [];
    for (const count of [short, long]) {
      await empty();
      await play(history(count));
      // Batches as they are when a service follows a busy log.
      speeds.push(await play(more(count), 200));
    }
    const [few = 0, many = 0] = speeds;
    console.log(
      `${what}: ${shown(few)}/s with N = ${short}, ${shown(many)}/s with N = ${long}, ratio ${(many / few).toFixed(2)}`,
    );
  }
} finally {
  await sql.end({ timeout: 1 });
  await server.stop();
  await removeDataDir(directory);
}
