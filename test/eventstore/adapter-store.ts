// An event store in a process of its own, for the adapter's tests: it can be killed, frozen and started again on the
// same port and file.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { freePort } from "../../src/processes/ports.ts";

export const quiet = { info: () => undefined, warn: () => undefined };

export interface StoreProcess {
  readonly url: string;
  readonly start: () => Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  readonly kill: () => Promise<void>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly remove: () => Promise<void>;
}

export async function storeProcess(): Promise<StoreProcess> {
  const directory = mkdtempSync(join(tmpdir(), "ledger-adapter-"));
  const port = await freePort();
  const url = `esdb://127.0.0.1:${port}?tls=false`;
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, ["src/eventstore/embedded/main.ts"], {
      env: {
        ...process.env,
        EVENTSTORE_PORT: String(port),
        EVENTSTORE_ACCESS: "everyone",
        DATA_DIR: directory,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = started;
    let said = "";
    started.stderr?.on("data", (chunk) => {
      said = `${said}${chunk}`.slice(-4000);
    });
    const probe = connectEventStore({ url, log: quiet });
    const end = performance.now() + 15_000;
    for (let problem = await probe.check(500); problem !== undefined; problem = await probe.check(500)) {
      if (performance.now() > end || started.exitCode !== null) throw new Error(`${problem}\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await probe.close();
  };
  const kill = async (): Promise<void> => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill("SIGCONT");
    ending.kill("SIGKILL");
    await gone;
  };
  await start();
  return {
    url,
    start,
    kill,
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    remove: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition, at most 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("The condition did not come true within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const appended = async (
  store: EventStore,
  ...call: Parameters<EventStore["append"]>
): Promise<{ readonly revision: bigint; readonly position?: bigint }> => {
  const outcome = await store.append(...call);
  if (outcome.tag !== "appended") throw new Error(`Not appended: ${JSON.stringify(outcome)}`);
  return outcome;
};
