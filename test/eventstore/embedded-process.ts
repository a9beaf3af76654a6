// The embedded event store as a process of its own on a given file, for tests that kill it or start it on odd files.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../src/eventstore/embedded/main.ts", import.meta.url));

export interface EmbeddedProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly port: number;
  /** Sends the signal and waits for the end; the exit code, null where the signal ended it. */
  readonly end: (signal: "SIGKILL" | "SIGTERM") => Promise<number | null>;
}

export type Start =
  | { readonly tag: "listening"; readonly process: EmbeddedProcess }
  | { readonly tag: "refused"; readonly code: number | null; readonly said: string };

/** Starts it and waits until it listens or ends. It never outlives the test: its input ends with this process. */
export async function startEmbedded(file: string, port = 0): Promise<Start> {
  const child = spawn(
    process.execPath,
    [program, "--file", file, "--port", String(port), "--access-for-everyone", "--stdin-lifeline"],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const closed = once(child, "close").then(() => undefined);
  const line = await Promise.race([once(child.stdout, "data").then(([chunk]) => String(chunk)), closed]);
  if (line === undefined) return { tag: "refused", code: child.exitCode, said: said.trim() };
  const listening = JSON.parse(line) as { port: number };
  return {
    tag: "listening",
    process: {
      child,
      url: `esdb://127.0.0.1:${listening.port}?tls=false`,
      port: listening.port,
      end: async (signal) => {
        child.kill(signal);
        await closed;
        return child.exitCode;
      },
    },
  };
}

export async function startedEmbedded(file: string, port = 0): Promise<EmbeddedProcess> {
  const start = await startEmbedded(file, port);
  if (start.tag === "refused") throw new Error(start.said);
  return start.process;
}
