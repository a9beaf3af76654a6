// The file in the data directory that keeps the registry's snapshot. Knows nothing of what is in it.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "./domain/registry.ts";
import { readSnapshot } from "./intake/registry-snapshot.ts";
import type { Log } from "./log.ts";
import { realDisk } from "./spool/disk.ts";

export interface RegistryFile {
  /** As it was when this directory's process last read it; undefined where nothing whole is kept. */
  readonly remembered: Registry | undefined;
  /** Durable once it resolves, and for its owner only. After a crash the file is the old one or the new one. */
  readonly save: (text: string) => Promise<void>;
}

/** A registry of a hundred thousand keys is far smaller. */
const mostBytes = 256 * 1024 * 1024;

export async function openRegistryFile(dataDir: string, log: Log): Promise<RegistryFile> {
  const file = join(dataDir, "registry-snapshot");
  return {
    remembered: await remember(file, log),
    save: (text) => realDisk.replace(file, Buffer.from(text)),
  };
}

async function remember(file: string, log: Log): Promise<Registry | undefined> {
  let reason = "it is not what was written";
  try {
    if ((await stat(file)).size > mostBytes) reason = `it is larger than ${mostBytes} bytes`;
    else {
      const remembered = readSnapshot(await readFile(file, "utf8"));
      if (remembered !== undefined) return remembered;
    }
  } catch (error) {
    if ((error as { code?: unknown })?.code === "ENOENT") return undefined;
    reason = error instanceof Error ? error.message : String(error);
  }
  log.warn({ file, reason }, "the registry's snapshot is of no use");
  return undefined;
}
