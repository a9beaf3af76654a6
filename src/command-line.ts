// The frame of every command: exit codes, errors on stderr, progress once a second. Knows no command.

import { type Config, environment, readConfig, thisMachine } from "./config.ts";
import { EventLogUnavailable } from "./intake/event-log.ts";

/** 1: failed; 2: wrong usage; 3: something that should be whole is not; 4: the service or the store cannot be reached. */
export const exitCodes = { failed: 1, usage: 2, verification: 3, unreachable: 4 } as const;

/** An error that ends the command with an exit code of its own. */
export abstract class CommandError extends Error {
  abstract readonly exitCode: number;
}

/** The command line cannot be understood; the message says how to call the command. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
  override readonly exitCode = exitCodes.usage;
}

/** Runs the command; an error becomes one line on stderr and an exit code. */
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
  if (error instanceof CommandError) return error.exitCode;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS")) return exitCodes.usage;
  // The event store's client numbers its failures.
  const unreachable = error instanceof EventLogUnavailable || Number.isInteger(code);
  return unreachable ? exitCodes.unreachable : exitCodes.failed;
}

/** Prints a line on stderr, at most once a second. */
export function progressLine(): (line: string) => void {
  let printedAt = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - printedAt < 1_000) return;
    printedAt = performance.now();
    console.error(line);
  };
}
