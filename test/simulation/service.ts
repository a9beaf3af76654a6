// One life of the service's core: its read side and its write side as the app wires them, on the world's disk, store,
// database and clock. Ends when it is killed or its disk has failed.

import { feedReadModel } from "../../src/app/read-side.ts";
import { openWriteSide } from "../../src/app/write-side.ts";
import { type Instant, instantFromEpochMs } from "../../src/domain/instant.ts";
import type { DurableParts } from "../../src/durable-appends.ts";
import { readContractWebhook } from "../../src/intake/contract-webhook.ts";
import { type AppendDurably, type AppendEvents, EventLogUnavailable } from "../../src/intake/event-log.ts";
import { type RecordOutcome, recordSignals, type SignalToRecord } from "../../src/intake/record-webhook.ts";
import type { Stopping } from "../../src/processes/stopping.ts";
import type { Session } from "../../src/readmodel/lead.ts";
import { startProjector } from "../../src/readmodel/projector.ts";
import type { ProjectorClock } from "../../src/readmodel/projector-clock.ts";
import { storeFirst } from "../../src/spool/durability.ts";
import { startForwarder } from "../../src/spool/forwarder.ts";
import type { Spooled } from "../../src/spool/reader.ts";
import { openSpool, type Spool } from "../../src/spool/spool.ts";
import { anyLog } from "../readmodel/log-feed.ts";
import { type SimulatedDatabase, simulatedLogId } from "./simulated-database.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedStore } from "./simulated-store.ts";
import type { Life, World } from "./world.ts";

/** How the service is set up; drawn from the seed. */
export interface Setup {
  readonly ack: "store" | "spool";
  readonly spoolMaxBytes: number;
  readonly segmentBytes: number;
  readonly appendsAtOnce: number;
  readonly maxInFlight: number;
  readonly maxBatchEvents: number;
  readonly cachedIncidents: number;
  /** More than one: as where several services share a database. */
  readonly projectors: 1 | 2;
  readonly store: "embedded" | "eventstoredb";
}

/** A fault put into the code on purpose, to see whether the simulation notices. */
export type Mutation = "fresh_ids" | "acknowledge_first" | "no_look" | "drop_refused" | "stored_unsent";

export interface DamagedPiece {
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface Surroundings {
  readonly world: World;
  readonly disk: SimulatedDisk;
  readonly store: SimulatedStore;
  readonly database: SimulatedDatabase;
  /** Epoch milliseconds; may jump either way. */
  readonly wallClock: () => number;
  readonly setup: Setup;
  readonly mutation?: Mutation | undefined;
  readonly lifeNumber: number;
  /** Told of each record that the forwarder reads. */
  readonly read: (spooled: Spooled) => void;
  /** Told which bytes of the spool were found damaged. */
  readonly damaged: (piece: DamagedPiece) => void;
  readonly diskFailed: (reason: string) => void;
}

export interface Service {
  readonly receive: (bodies: readonly string[], received_at: Instant) => Promise<RecordOutcome>;
  /** Webhooks that wait on the spool. */
  readonly waiting: () => number;
  /** In the order of the product: no webhooks, forwarder, spool, projector. */
  readonly stop: () => Promise<void>;
}

const silent = () => undefined;

export async function startService(life: Life, around: Surroundings): Promise<Service> {
  const { world, database, setup } = around;
  const log = {
    info: silent,
    warn: silent,
    error: (fields: object, message: string) => {
      if (message.startsWith("set aside damaged")) around.damaged(fields as DamagedPiece);
    },
  };
  const stops: (() => Promise<void> | void)[] = [];
  // Last first, as the product's; without its bounds, which the real clock would keep.
  const stopping: Pick<Stopping, "add"> = { add: (_name, _boundMs, stop) => stops.unshift(stop) };
  const store = storeOf(life, around);
  const { maxBatchEvents, cachedIncidents } = setup;
  const openSession = () => database.openSession(life) as Session;
  const clock = clockOf(life, world);
  for (let n = 0; n < setup.projectors; n++)
    feedReadModel({
      databaseUrl: "",
      store,
      log,
      stopping,
      startProjector: (fed) =>
        startProjector({ ...fed, openSession, maxBatchEvents, cachedIncidents, clock }),
    });
  const writeSide = await openWriteSide(
    { dataDir: "/", store, registry: { hasRepository: () => false }, onFailed: around.diskFailed },
    {
      config: { ...setup, sns: "off", quarantineEntriesPerDay: 0, quarantineBytesPerDay: 0 },
      log,
      stopping,
      ports: {
        ...simulatedParts(life, around),
        now: () => instantFromEpochMs(around.wallClock()) as Instant,
      },
    },
  );
  const record =
    around.mutation === "stored_unsent" ? recordSignals(unsent(writeSide.durable.append)) : writeSide.record;
  let requests = 0;
  let isStopping = false;

  async function receive(bodies: readonly string[], received_at: Instant): Promise<RecordOutcome> {
    if (isStopping) return { tag: "unavailable", reason: "stopping" };
    const read = bodies.map((body) => readContractWebhook(Buffer.from(body)));
    const signals: SignalToRecord[] = [];
    for (const one of read) {
      if (one.tag !== "fields") throw new Error(`A webhook of the simulation is not read: ${one.tag}`);
      signals.push({ fields: one.fields, payload: one.payload });
    }
    const project = read[0]?.tag === "fields" ? read[0].project_uuid : undefined;
    if (project === undefined) throw new Error("There is nothing to record");
    requests += 1;
    return record(signals, {
      project_uuid: project,
      key_id: project,
      source: "contract",
      received_at,
      request_id: `${world.now()}-${requests}`,
    });
  }

  return {
    receive,
    waiting: () => writeSide.durable.spool().waiting,
    stop: async () => {
      isStopping = true;
      for (const stop of stops) await stop();
    },
  };
}

/** The event store's client, for one life. */
function storeOf(life: Life, { store, mutation, lifeNumber }: Surroundings) {
  return {
    append: store.append(life, { by: "webhook", life: lifeNumber }),
    readStream: store.readStream(life),
    readBackwards: mutation === "no_look" ? async function* () {} : store.readBackwards(life),
    followLog: store.follow(life),
    head: async () => {
      if (store.faults.isAway) throw new EventLogUnavailable("the simulated store is away");
      return store.log.at(-1)?.event.position;
    },
    identity: { ...anyLog, id: async () => simulatedLogId },
  };
}

/** Acknowledged before anything is durable. */
const unsent =
  (append: AppendDurably): AppendDurably =>
  async (stream, events, expected) => {
    void append(stream, events, expected);
    return { tag: "appended", revision: 0n };
  };

/** The product's parts on the world's disk and clock, within small bounds; watched, and broken where that is asked for. */
function simulatedParts(life: Life, around: Surroundings): DurableParts {
  const { world, disk, store, setup, mutation } = around;
  const { segmentBytes, appendsAtOnce, maxInFlight } = setup;
  const after = world.after(life, "timer");
  return {
    openSpool: async (options) => {
      const now = around.wallClock;
      const spool = await openSpool({ ...options, segmentBytes, disk: disk.mount(life), now, after });
      return watched(spool, around);
    },
    startForwarder: (options) => {
      const append = mutated(store.append(life, { by: "forwarder", life: around.lifeNumber }), mutation);
      const nowMs = world.now;
      return startForwarder({ ...options, append, appendsAtOnce, after, nowMs });
    },
    storeFirst: (options) => storeFirst({ ...options, maxInFlight, after }),
  };
}

function watched(spool: Spool, { read, mutation }: Surroundings): Spool {
  return {
    ...spool,
    refuse: async (...refused) => {
      if (mutation !== "drop_refused") await spool.refuse(...refused);
    },
    read: async (limits) => {
      const spooled = await spool.read(limits);
      for (const one of spooled) read(one);
      if (mutation === "acknowledge_first") await spool.acknowledge(spooled);
      return spooled;
    },
  };
}

function mutated(append: AppendEvents, mutation: Mutation | undefined): AppendEvents {
  let made = 0;
  switch (mutation) {
    case "fresh_ids":
      return (stream, events, expected) => {
        made += 1;
        const fresh = events.map((event) => ({ ...event, id: `${event.id}-${made}` }));
        return append(stream, fresh, expected);
      };
    default:
      return append;
  }
}

function clockOf(life: Life, world: World): ProjectorClock {
  const after = world.after(life, "projector waits");
  return {
    nowMs: world.now,
    pause: (ms, stop) =>
      new Promise((resolve) => {
        if (stop?.aborted) return resolve();
        const end = (): void => {
          cancel();
          stop?.removeEventListener("abort", end);
          resolve();
        };
        const cancel = after(ms, end);
        stop?.addEventListener("abort", end, { once: true });
      }),
  };
}
