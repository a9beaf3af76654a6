// A disk in memory for the tests that open thousands of spools. What is written counts as flushed.

import { basename, dirname } from "node:path";
import type { Disk } from "../../src/spool/disk.ts";

export function memoryDisk(
  files = new Map<string, Buffer>(),
): Disk & { readonly files: Map<string, Buffer> } {
  const at = (path: string): Buffer => files.get(path) ?? Buffer.alloc(0);
  const put = (path: string, bytes: Uint8Array, offset: number): void => {
    const old = at(path);
    const grown = Buffer.alloc(Math.max(old.length, offset + bytes.length));
    old.copy(grown);
    grown.set(bytes, offset);
    files.set(path, grown);
  };
  return {
    files,
    makeDirectory: async () => undefined,
    list: async (directory) =>
      [...files]
        .filter(([path]) => dirname(path) === directory)
        .map(([path, bytes]) => ({ name: basename(path), bytes: bytes.length })),
    create: async (path) => {
      if (files.has(path)) throw Object.assign(new Error(`EEXIST ${path}`), { code: "EEXIST" });
      files.set(path, Buffer.alloc(0));
      return {
        write: async (bytes, offset) => put(path, bytes, offset),
        flush: async () => undefined,
        truncate: async (length) => void files.set(path, at(path).subarray(0, length)),
        close: async () => undefined,
      };
    },
    read: async (path, offset, length) => {
      const bytes = files.get(path);
      return bytes === undefined ? undefined : Buffer.from(bytes.subarray(offset, offset + length));
    },
    replace: async (path, bytes) => void files.set(path, Buffer.from(bytes)),
    append: async (path, bytes) => put(path, bytes, at(path).length),
    truncate: async (path, length) => void files.set(path, at(path).subarray(0, length)),
    remove: async (path) => void files.delete(path),
  };
}
