// The embedded event store, killed at a chosen system call while writers append, and what it holds after the next start.
// Knows nothing of the service.

import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { NewEvent } from "../../src/domain/stored-events.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { startedEmbedded } from "../eventstore/embedded-process.ts";
import { startTraced, type Traced } from "./strace.ts";
import { type Died, deathIn, injectionOf, type Kill, type Place, placesIn } from "./syscalls-plan.ts";

const program = fileURLToPath(new URL("../../src/eventstore/embedded/main.ts", import.meta.url));
const quiet = { info: () => undefined, warn: () => undefined };

/** What the store is in when it dies. */
export const storeScenes = ["first-start", "recovery", "checkpoint", "stop"] as const;
export type StoreScene = (typeof storeScenes)[number];

/** The system calls that change its files. */
const calls = "pwrite64,fsync,fdatasync,ftruncate,unlink";

const writers = 4;
const bytesOf: Readonly<Record<StoreScene, number>> = {
  "first-start": 100,
  recovery: 300,
  checkpoint: 20_000,
  stop: 2_000,
};
const appendsOfWriter = 8;
/** A checkpoint comes once the journal has 4000 pages; the writers of that scene bring it there. */
const pagesBeforeCheckpoint = 3_850;

export interface StoreRound extends Died {
  /** Its exit code where it ended by itself. */
  readonly ended: number | NodeJS.Signals;
  readonly printed: string;
  readonly trace: string;
  readonly places: ReadonlyMap<string, Place>;
}

/** The files that the scenes begin with, made once. */
export async function prepareScenes(directory: string): Promise<void> {
  for (const scene of ["recovery", "checkpoint", "stop"] as const) {
    const place = join(directory, scene);
    mkdirSync(place, { recursive: true });
    const file = join(place, "events.sqlite");
    const server = await startedEmbedded(file);
    const store = connectEventStore({ url: server.url, log: quiet });
    const enough = (): boolean =>
      scene === "checkpoint" ? statSync(`${file}-wal`).size > pagesBeforeCheckpoint * 4_120 : true;
    for (let n = 0; n < 40 || !enough(); n++) {
      if (n > 2_000) throw new Error("The journal does not fill");
      await store.append("before-0.x", [eventOf(`before ${n}`, bytesOf[scene])], "any");
    }
    await store.close();
    await server.end("SIGKILL");
  }
}

interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  acknowledged: boolean;
}

/** One life and death of the store, and the check of what it left. `kill` undefined: the scene without a fault. */
export async function storeRound(options: {
  readonly scene: StoreScene;
  readonly prepared: string;
  readonly place: string;
  readonly kill: Kill | undefined;
}): Promise<StoreRound> {
  const { scene, place } = options;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const data = join(place, "data");
  if (existsSync(join(options.prepared, scene)))
    cpSync(join(options.prepared, scene), data, { recursive: true });
  const file = join(data, "events.sqlite");
  const traced = startTraced({
    command: [process.execPath, program, "--file", file, "--access-for-everyone", "--stdin-lifeline"],
    traceFile: join(place, "trace"),
    calls,
    ...injectionOf(options.kill, data),
  });
  const url = await listening(traced);
  const appends: Append[] = [];
  if (url !== undefined) {
    const store = connectEventStore({ url, log: quiet });
    await drive(store, traced, { appends, bytes: bytesOf[scene] });
    await Promise.all([store.close(), traced.end(scene === "stop" ? "SIGTERM" : "SIGKILL")]);
  }
  const ended = await traced.ended;
  const trace = readFileSync(traced.traceFile, "utf8");
  return {
    death: deathIn(trace, data),
    acknowledged: appends.filter(({ acknowledged }) => acknowledged).length,
    ...(await checkAfter(file, appends, scene === "first-start" ? 0 : 40)),
    places: placesIn(trace, data),
    ended,
    printed: traced.printed(),
    trace,
  };
}

/** The address it listens on; undefined where it ended before. */
async function listening(traced: Traced): Promise<string | undefined> {
  const said = new Promise<string>((resolve) => {
    traced.child.stdout?.on("data", () => {
      const port = /"event":"listening","port":(\d+)/.exec(traced.printed())?.[1];
      if (port !== undefined) resolve(`esdb://127.0.0.1:${port}?tls=false`);
    });
  });
  return Promise.race([said, traced.ended.then(() => undefined)]);
}

/** Some appends of several events, so that half of one would be seen. */
async function drive(
  store: EventStore,
  traced: Traced,
  { appends, bytes }: { readonly appends: Append[]; readonly bytes: number },
): Promise<void> {
  let isDead = false;
  const dead = traced.ended.then(() => {
    isDead = true;
  });
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < appendsOfWriter && !isDead; n++) {
      const events = Array.from({ length: 1 + (n % 3) }, (_, part) =>
        eventOf(`${writer} ${n} ${part}`, bytes),
      );
      const append: Append = { stream: `writer-${writer}.x`, events, acknowledged: false };
      appends.push(append);
      // A busy machine may run into the client's bound without any fault.
      for (let tries = 0; tries < 20 && !isDead && !append.acknowledged; tries++) {
        const outcome = await Promise.race([store.append(append.stream, events, "any"), dead]);
        append.acknowledged = outcome?.tag === "appended";
        if (!append.acknowledged && !isDead) await pause(50);
      }
      if (!append.acknowledged) return;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
}

async function checkAfter(
  file: string,
  appends: readonly Append[],
  eventsBefore: number,
): Promise<{ readonly problems: string[]; readonly readyMs: number }> {
  const problems: string[] = [];
  const startedAt = performance.now();
  const server = await startedEmbedded(file).catch((error: unknown) => String(error));
  const readyMs = performance.now() - startedAt;
  if (typeof server === "string") return { problems: [`it does not start again: ${server}`], readyMs };
  // A kill leaves a torn end at most, which must not be taken for damage.
  for (const name of readdirSync(dirname(file)).filter((one) => one.endsWith(".damaged")))
    problems.push(`it set ${name} aside`);
  const store = connectEventStore({ url: server.url, log: quiet });
  try {
    const before = await idsOf(store, "before-0.x");
    if (before.length < eventsBefore)
      problems.push(`only ${before.length} of the ${eventsBefore} earlier events are there`);
    problems.push(...(await problemsIn(store, appends, "after the start")));
    // What was not acknowledged is sent again, as the forwarder does.
    for (const append of appends.filter(({ acknowledged }) => !acknowledged)) {
      const outcome = await store.append(append.stream, append.events, "any");
      append.acknowledged = outcome.tag === "appended";
      if (!append.acknowledged) problems.push(`a repeat is refused: ${JSON.stringify(outcome)}`);
    }
    problems.push(...(await problemsIn(store, appends, "after the repeats")));
  } finally {
    await store.close();
    await server.end("SIGKILL");
  }
  return { problems, readyMs };
}

/** Each stream holds its appends in their order, whole, once, and all that were acknowledged. */
async function problemsIn(
  store: EventStore,
  appends: readonly Append[],
  when: string,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const stream of new Set(appends.map((append) => append.stream))) {
    const stored = await idsOf(store, stream);
    const mine = appends.filter((append) => append.stream === stream);
    let reached = 0;
    for (const { events, acknowledged } of mine) {
      const ids = events.map(({ id }) => id);
      const here = stored.slice(reached, reached + ids.length);
      if (here.length === 0 && !acknowledged) continue;
      if (here.join() !== ids.join()) {
        problems.push(
          `${when}: ${stream} at ${reached} has ${here.length} of ${ids.length} events of an append that was ${acknowledged ? "" : "not "}acknowledged`,
        );
      }
      reached += ids.length;
    }
    if (stored.length > reached) problems.push(`${when}: ${stream} has ${stored.length - reached} too many`);
  }
  return problems;
}

async function idsOf(store: EventStore, stream: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of store.readStream(stream)) ids.push(id);
  return ids;
}

const eventOf = (name: string, bytes: number): NewEvent => ({
  id: randomUUID(),
  type: "ProjectRegistered",
  data: { project_uuid: name, name: "x".repeat(bytes), created_at: "" },
  metadata: { received_at: "2026-01-01T00:00:00.000000000Z" },
});
