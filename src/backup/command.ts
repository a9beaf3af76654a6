// What the two commands have in common: exit codes, words on stderr, progress once a second. Knows no log.

import { type Config, environment, readConfig, thisMachine } from "../config.ts";
import { EventLogUnavailable } from "../intake/event-log.ts";
import { BackupDamaged } from "./backup-files.ts";

/** 1: failed; 2: wrong usage; 3: what should be whole or the same is not; 4: the store cannot be reached. */
export const exitCodes = { failed: 1, usage: 2, verification: 3, unreachable: 4 } as const;

/** It was called in a way that it cannot be; the message says how. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs the command; what it throws becomes one line and an exit code. */
export async function runCommand(command: (config: Config) => Promise<void>): Promise<void> {
  try {
    const reading = readConfig(environment(), thisMachine());
    if (!reading.ok) throw new UsageError(reading.problems.join("\n"));
    await command(reading.value);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (
    error instanceof UsageError ||
    (error as { code?: unknown }).code?.toString().startsWith("ERR_PARSE_ARGS")
  )
    return exitCodes.usage;
  if (error instanceof BackupDamaged) return exitCodes.verification;
  const isCallFailure = Number.isInteger((error as { code?: unknown }).code);
  return error instanceof EventLogUnavailable || isCallFailure ? exitCodes.unreachable : exitCodes.failed;
}

/** A line on stderr, at most once a second. */
export function progressLine(): (line: string) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - saidAt < 1_000) return;
    saidAt = performance.now();
    console.error(line);
  };
}
