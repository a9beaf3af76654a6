// Runs the commands as a user would, on a data directory.

import { spawn } from "node:child_process";
import { checkout } from "./running-service.ts";

const files = {
  backup: "src/backup/backup-command.ts",
  restore: "src/backup/restore-command.ts",
  import: "src/import/import-command.ts",
} as const;

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  command: keyof typeof files,
  options: {
    readonly dataDir: string;
    readonly args: readonly string[];
    readonly env?: Record<string, string>;
  },
): Promise<CommandEnd> {
  const { DATABASE_URL: _database, EVENTSTORE_URL: _store, ...inherited } = process.env;
  const child = spawn(process.execPath, [files[command], ...options.args], {
    cwd: checkout,
    env: { ...inherited, DATA_DIR: options.dataDir, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}
