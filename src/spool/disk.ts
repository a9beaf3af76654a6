// What the spool asks of a disk, and the real one. Knows nothing of records.

import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, stat, truncate, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface WritableFile {
  /** Writes all the bytes at the offset, or throws. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** The bytes are on the disk when this returns (fdatasync). */
  flush(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Makes the directory, durably, if it is not there. */
  makeDirectory(directory: string): Promise<void>;
  list(directory: string): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  /** A new, empty file, whose name is on the disk when this returns. Throws where one is there. */
  create(path: string): Promise<WritableFile>;
  /** Up to `length` bytes; fewer at the end of the file. Undefined where there is no such file. */
  read(path: string, at: number, length: number): Promise<Buffer | undefined>;
  /** Replaces the whole file durably: after a crash it is either the old or the new one. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of the file durably. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  truncate(path: string, length: number): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Whether the disk has no room: passes when room is made, unlike any other failure to write. */
export const isNoSpace = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "EFBIG"].includes(String((error as { code?: unknown })?.code));

const isMissing = (error: unknown): boolean => (error as { code?: unknown })?.code === "ENOENT";

export const realDisk: Disk = {
  makeDirectory: async (directory) => {
    const first = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let made = directory; made.length >= first.length; made = dirname(made)) {
      await flushDirectory(dirname(made));
    }
  },
  list: async (directory) =>
    Promise.all(
      (await readdir(directory)).map(async (name) => ({
        name,
        bytes: (await stat(join(directory, name))).size,
      })),
    ),
  create: async (path) => {
    const handle = await open(path, "wx", 0o600);
    try {
      await flushDirectory(dirname(path));
    } catch (error) {
      // A name that may not last must not stand in the way of the next attempt.
      await handle.close();
      await unlink(path);
      throw error;
    }
    return writable(handle);
  },
  read: async (path, at, length) => {
    const handle = await open(path, "r").catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (handle === undefined) return undefined;
    try {
      const bytes = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } finally {
      await handle.close();
    }
  },
  replace: async (path, bytes) => {
    const handle = await open(`${path}.new`, "w", 0o600);
    try {
      await writable(handle).write(bytes, 0);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    await flushDirectory(dirname(path));
  },
  append: async (path, bytes) => {
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      const { size } = await handle.stat();
      await writable(handle).write(bytes, size);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await flushDirectory(dirname(path));
  },
  truncate: async (path, length) => {
    await truncate(path, length);
    const handle = await open(path, "r+");
    try {
      await handle.datasync();
    } finally {
      await handle.close();
    }
  },
  remove: unlink,
};

function writable(handle: FileHandle): WritableFile {
  return {
    write: async (bytes, at) => {
      for (let written = 0; written < bytes.length; ) {
        written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
      }
    },
    flush: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    close: () => handle.close(),
  };
}

async function flushDirectory(directory: string): Promise<void> {
  // Windows can neither open nor flush a directory; its names are kept by the file system's own journal.
  if (process.platform === "win32") return;
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
