// Prints how fast events become rows: a rebuild of the read model from a made-up feed and from a real embedded event store,
// what one more event costs as histories grow, a status mapping over a project's signals, and how long it takes until what
// is stored can be seen.
//
//   bun test/bench/projection.ts [EVENTS] [SIGNALS]     a million events; 100,000 signals a history, 0: no histories

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { projections } from "../../projections/index.ts";
import { instantFromEpochMs } from "../../src/domain/instant.ts";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { freePort } from "../../src/processes/ports.ts";
import { startEmbeddedPostgres } from "../../src/readmodel/embedded-postgres.ts";
import type { FollowLog } from "../../src/readmodel/event-feed.ts";
import { openPostgres } from "../../src/readmodel/postgres.ts";
import { startProjector } from "../../src/readmodel/projector.ts";
import { storeProcess } from "../eventstore/adapter-store.ts";
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
      source: "contract",
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

/** What making up events has taken of this process's processor time, in microseconds: it is no part of the figures. */
let makingUs = 0;

const made = (said: readonly Said[]): RecordedEvent[] => {
  const before = process.cpuUsage();
  const events = said.map(recorded);
  const { user, system } = process.cpuUsage(before);
  makingUs += user + system;
  return events;
};

const feedOf = (events: readonly Said[]): FollowLog =>
  async function* follow({ maxEvents, signal }) {
    let next = 0;
    for (; events.length - next > maxEvents; next += maxEvents) {
      yield { events: made(events.slice(next, next + maxEvents)), upTo: position, caughtUp: false };
      if (signal.aborted) return;
    }
    const batch = made(events.slice(next));
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

interface Played {
  readonly perSecond: number;
  /** Processor time an event, in microseconds: of this process, and of Postgres. */
  readonly clientUs: number;
  readonly postgresUs: number;
}

const log = {
  error: () => {},
  info: () => {},
  warn: (fields: object, message: string) => console.error(message, fields),
};

/** Plays a feed to its end, `last`. */
async function follow(
  feed: Pick<Parameters<typeof startProjector>[0], "follow" | "identity" | "maxBatchEvents">,
  { last, count }: { readonly last: bigint; readonly count: number },
): Promise<Played> {
  makingUs = 0;
  const clientBefore = process.cpuUsage();
  const postgresBefore = postgresCpuUs();
  const begin = performance.now();
  const projector = startProjector({
    databaseUrl: server.url,
    projections,
    readStream: async function* () {},
    head: async () => undefined,
    log,
    ...feed,
  });
  if (!(await projector.waitFor(last, 1_200_000)))
    throw new Error("the events did not all become rows in 20 minutes");
  const seconds = (performance.now() - begin - makingUs / 1_000) / 1000;
  const { user, system } = process.cpuUsage(clientBefore);
  const postgresUs = postgresCpuUs() - postgresBefore;
  await projector.stop();
  return {
    perSecond: count / seconds,
    clientUs: (user + system - makingUs) / count,
    postgresUs: postgresUs / count,
  };
}

function play(events: Iterable<Said>, maxBatchEvents = 5_000): Promise<Played> {
  const said = [...events];
  const last = position + BigInt(said.length) * 900n;
  return follow({ follow: feedOf(said), identity: anyLog, maxBatchEvents }, { last, count: said.length });
}

/** What Postgres and all of its processes have taken of the processors since they began. */
function postgresCpuUs(): number {
  const postmaster = server.pid();
  let ticks = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")
        .map(Number);
      const [parent = 0, user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = [
        fields[1],
        ...fields.slice(11, 15),
      ];
      if (Number(name) === postmaster) ticks += user + system + childrenUser + childrenSystem;
      else if (parent === postmaster) ticks += user + system;
    } catch {
      // It has ended since.
    }
  }
  return ticks * 10_000;
}

const empty = async (): Promise<void> => {
  position = 0n;
  await sql`drop schema if exists ledger cascade`;
};
const shown = (perSecond: number): string => Math.round(perSecond).toLocaleString("en");
const shownPlayed = ({ perSecond, clientUs, postgresUs }: Played): string =>
  `${shown(perSecond)} events/s; an event ${clientUs.toFixed(1)} µs here, ${postgresUs.toFixed(1)} µs in Postgres`;
const project = projects[0] ?? "";

/** Stores the events 16 an append, and then projects them through the adapter. */
async function rebuildFromStore(): Promise<Played> {
  const store = await storeProcess();
  const client = connectEventStore({ url: store.url, log });
  try {
    const said = [...realistic(size, 2_000)];
    const appendsAtOnce = 16;
    const eventsAnAppend = 16;
    let next = 0;
    const append = async (): Promise<void> => {
      while (next < said.length) {
        const some = made(said.slice(next, next + eventsAnAppend));
        next += eventsAnAppend;
        // One stream takes all of an append; whose events they are, the events say.
        const stream = some[0]?.stream ?? "";
        const events = some.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }) as NewEvent);
        const { tag } = await client.append(stream, events, "any");
        if (tag !== "appended") throw new Error(`Events cannot be stored: ${tag}`);
      }
    };
    await Promise.all(Array.from({ length: appendsAtOnce }, append));
    const last = (await client.head()) ?? 0n;
    return await follow(
      { follow: client.followLog, identity: client.identity, maxBatchEvents: 5_000 },
      { last, count: size },
    );
  } finally {
    await client.close();
    await store.remove();
  }
}

/** A word that so many signals have gets a kind. */
async function mapped(signals: number): Promise<string> {
  await play(
    Array.from({ length: signals }, (_, n) => ({
      project,
      incident: `monitor-${n % 50}`,
      status: n % 3 === 2 ? "UP" : "DEGRADED",
      atMs: n * 1000,
    })),
  );
  const event: RecordedEvent = {
    ...recorded({ project, incident: "", status: "", atMs: 0 }),
    type: "StatusesMapped",
    stream: "registry",
    data: { project_uuid: project, mappings: { DEGRADED: "ALERT" } },
  };
  const { perSecond, clientUs, postgresUs } = await follow(
    {
      follow: async function* ({ signal }) {
        yield { events: [event], upTo: event.position, caughtUp: true };
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
      },
      identity: anyLog,
    },
    { last: event.position, count: 1 },
  );
  return `a status mapping over ${signals.toLocaleString("en")} signals: ${(1 / perSecond).toFixed(2)} s (${(clientUs / 1e6).toFixed(2)} s of processor here, ${(postgresUs / 1e6).toFixed(2)} s in Postgres)`;
}

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

const size = Number(process.argv[2] ?? 1_000_000);
const [short, long] = [100, Number(process.argv[3] ?? 100_000)];

try {
  console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Postgres with fsync on`);
  await empty();
  const [wal] = await sql`select pg_current_wal_lsn() as at`;
  const rebuild = await play(realistic(size, 2_000));
  const [held] = await sql`
    select sum(pg_total_relation_size(c.oid))::float8 as bytes,
      (pg_current_wal_lsn() - ${wal?.at}::pg_lsn)::float8 as wal
    from pg_class c where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r'`;
  console.log(
    `rebuild of ${size.toLocaleString("en")} events of 2,000 monitors from a made-up feed: ${shownPlayed(rebuild)}`,
  );
  console.log(
    `  ${(held?.bytes / size).toFixed(0)} bytes an event in tables and indexes, ${(held?.wal / size).toFixed(0)} in Postgres' journal`,
  );
  await empty();
  console.log(
    `the same from an embedded event store through the client: ${shownPlayed(await rebuildFromStore())}`,
  );
  await empty();
  console.log(await mapped(long));
  for (const { what, history, more } of long > 0 ? scenarios : []) {
    const speeds: number[] = [];
    for (const count of [short, long]) {
      await empty();
      await play(history(count));
      // Batches as they are when a service follows a busy log.
      speeds.push((await play(more(count), 200)).perSecond);
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
