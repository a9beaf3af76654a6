// Keeps one child process running: waits until it says it is ready, starts it again when it ends, stops it in order.
// Knows nothing of what the child does.

import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export interface Recipe {
  /** For messages: "event store". */
  readonly name: string;
  /** Called before every start, to end what an earlier run left behind. */
  readonly prepare: () => Promise<void>;
  /** With stdout and stderr as pipes. Called again after every unexpected end. */
  readonly spawn: () => ChildProcess;
  readonly isReady: (line: string) => boolean;
  readonly readyWithinMs: number;
  /** Sent in turn by a stop, each `stopEachMs` after the one before. */
  readonly stopSignals: readonly NodeJS.Signals[];
  readonly stopEachMs: number;
}

export interface Watcher {
  readonly line: (line: string) => void;
  readonly ready: (pid: number) => void;
  /** It ended although nobody asked it to; it is started again after `retryInMs`. */
  readonly lost: (reason: string, retryInMs: number) => void;
}

export interface SupervisedProcess {
  /** undefined while it is being started again. */
  readonly pid: () => number | undefined;
  /** Ends it and starts it no more. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

/** It did not become ready. The message ends with the last lines it printed. */
export class ProcessStartError extends Error {
  override readonly name = "ProcessStartError";
}

const keptLines = 8;
const firstRetryMs = 25;
const lastRetryMs = 5_000;
/** A process that ran this long has recovered: its next loss is retried at once again. */
const steadyAfterMs = 1_000;

/** Throws ProcessStartError where the first start fails; later ones are retried for as long as nobody stops it. */
export async function supervise(recipe: Recipe, watcher: Watcher): Promise<SupervisedProcess> {
  const stopping = new AbortController();
  let running: Running | undefined = await start(recipe, watcher);

  const keepRunning = async (): Promise<void> => {
    let retryInMs = firstRetryMs;
    let reason = await running?.ended;
    while (!stopping.signal.aborted) {
      if (running !== undefined && Date.now() - running.readyAt > steadyAfterMs) retryInMs = firstRetryMs;
      running = undefined;
      watcher.lost(reason ?? "it ended", retryInMs);
      await pause(retryInMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      retryInMs = Math.min(retryInMs * 2, lastRetryMs);
      try {
        running = await start(recipe, watcher);
        if (stopping.signal.aborted) return;
        reason = await running.ended;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
  };
  const watching = keepRunning();

  return {
    pid: () => (running?.hasEnded() === false ? running.child.pid : undefined),
    stop: async () => {
      stopping.abort();
      if (running !== undefined) await stopChild(running, recipe);
      await watching;
      // A start that was under way when the stop came has its child by now.
      if (running !== undefined) await stopChild(running, recipe);
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly readyAt: number;
  /** Why it ended, once it has. Never rejects. */
  readonly ended: Promise<string>;
  readonly hasEnded: () => boolean;
}

async function start(recipe: Recipe, watcher: Watcher): Promise<Running> {
  await recipe.prepare();
  const child = recipe.spawn();
  const lastLines: string[] = [];
  let endedBecause: string | undefined;
  let becameReady = (): void => {};
  const ready = new Promise<"ready">((resolve) => {
    becameReady = () => resolve("ready");
  });
  const ended = new Promise<string>((resolve) => {
    const end = (reason: string): void => {
      endedBecause ??= reason;
      resolve(endedBecause);
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) =>
      end(signal === null ? `it exited with ${code}` : `it was ended by ${signal}`),
    );
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      watcher.line(line);
      if (recipe.isReady(line)) becameReady();
    });
  }

  const patience = new AbortController();
  const late = pause(recipe.readyWithinMs, `it was not ready within ${recipe.readyWithinMs} ms`, {
    signal: patience.signal,
  }).catch(() => "");
  const outcome = await Promise.race([ready, ended, late]);
  patience.abort();
  const running: Running = { child, readyAt: Date.now(), ended, hasEnded: () => endedBecause !== undefined };
  if (outcome !== "ready") {
    await stopChild(running, recipe);
    throw new ProcessStartError([`The ${recipe.name} did not start: ${outcome}.`, ...lastLines].join("\n  "));
  }
  if (child.pid !== undefined) watcher.ready(child.pid);
  return running;
}

async function stopChild(running: Running, recipe: Recipe): Promise<void> {
  for (const signal of recipe.stopSignals) {
    if (running.hasEnded()) return;
    running.child.kill(signal);
    const patience = new AbortController();
    const late = pause(recipe.stopEachMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([running.ended, late]);
    patience.abort();
  }
}
