// What the spool's tests share: a scratch directory, records, and a disk that fails when told to.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewEvent } from "../../src/domain/stored-events.ts";
import { type Disk, realDisk } from "../../src/spool/disk.ts";
import { openSpool, type Spool, type SpoolOptions } from "../../src/spool/spool.ts";

export const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

export function scratchDirectory(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "ledger-spool-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const eventOf = (id: string, text = ""): NewEvent => ({
  id,
  type: "ApiKeyRevoked",
  data: { key_id: id, project_uuid: text, revoked_at: "" },
  metadata: { received_at: "2026-01-01T00:00:00.000000000Z" },
});

export const recordOf = (id: string, more: { stream?: string; text?: string } = {}) => ({
  stream: more.stream ?? `incident-p.${id}`,
  events: [eventOf(id, more.text)],
});

export const opened = (directory: string, more: Partial<SpoolOptions> = {}): Promise<Spool> =>
  openSpool({
    directory,
    log: quiet,
    onFailed: (error) => {
      throw error;
    },
    ...more,
  });

/** Every record that waits, oldest first. */
export async function idsIn(spool: Spool): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const spooled = await spool.read({ records: 7, bytes: 1 << 20 });
    if (spooled.length === 0) return ids;
    ids.push(...spooled.flatMap(({ record }) => record.events.map(({ id }) => id)));
  }
}

export const segmentFiles = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".spool"))
    .sort()
    .map((name) => join(directory, name));

type Operation = "write" | "flush" | "create" | "truncate" | "read" | "replace" | "append";
type Fault = (operation: Operation) => string | undefined;

/** The real disk, except that an operation fails with the code that `fault` names; a failing write leaves a half. */
export function faultyDisk(fault: Fault): { readonly disk: Disk; readonly flushes: () => number } {
  let flushes = 0;
  const check = (operation: Operation): void => {
    const code = fault(operation);
    if (code !== undefined) throw Object.assign(new Error(`${code} in ${operation}`), { code });
  };
  const disk: Disk = {
    ...realDisk,
    read: async (...call) => {
      check("read");
      return realDisk.read(...call);
    },
    replace: async (...call) => {
      check("replace");
      return realDisk.replace(...call);
    },
    append: async (...call) => {
      check("append");
      return realDisk.append(...call);
    },
    create: async (path) => {
      check("create");
      const file = await realDisk.create(path);
      return {
        write: async (bytes, at) => {
          const code = fault("write");
          await file.write(code === undefined ? bytes : bytes.subarray(0, bytes.length >> 1), at);
          if (code !== undefined) throw Object.assign(new Error(`${code} in write`), { code });
        },
        flush: async () => {
          check("flush");
          flushes += 1;
          await file.flush();
        },
        truncate: async (length) => {
          check("truncate");
          await file.truncate(length);
        },
        close: () => file.close(),
      };
    },
  };
  return { disk, flushes: () => flushes };
}
