// A disk with a cache in front of it: what is written is there at once and lasts only once it is flushed, names last
// once their directory is. A killed process leaves its writes as far as they came; a loss of power leaves of what was
// not flushed any part. Knows nothing of what is written.

import { basename, dirname } from "node:path";
import type { Disk, WritableFile } from "../../src/spool/disk.ts";
import type { Random } from "../faults/seed.ts";
import { forEver, type Life, type World } from "./world.ts";

export interface DiskFaults {
  /** From now on writing fails for want of room, until told otherwise. */
  isFull: boolean;
  /** The chance that a flush fails. */
  flushFails: number;
}

/** A part of the code that is known to be broken, to see whether the simulation notices. */
export type DiskLie = "flush_does_nothing";

export interface SimulatedDisk {
  /** As a process sees it that lives as long as this. */
  readonly mount: (life: Life) => Disk;
  readonly faults: DiskFaults;
  /** Calls once, in the middle of the n-th operation from now on. */
  readonly amidOperation: (n: number, then: () => void) => void;
  /** What becomes of operations under way when their process dies. */
  readonly killed: () => void;
  /** Forgets what was not flushed, wholly or partly. Nobody may be using the disk. */
  readonly powerLost: () => void;
  /** Changes one bit of a file whose path ends with this; false where there is none. */
  readonly flipBit: (ending: string) => boolean;
  /** Somebody takes away, for good, what was set aside: everything but segments and cursor. It is kept elsewhere. */
  readonly takeAway: () => void;
  /** What a process that starts now reads, and what was taken away. */
  readonly files: () => ReadonlyMap<string, Buffer>;
  /** How much the files with this at their names' end hold. */
  readonly bytesOf: (ending: string) => number;
  readonly counts: { torn: number; noSpace: number; flushFailures: number; bitFlips: number };
}

interface Inode {
  cached: Buffer;
  /** As it was when it was last flushed. */
  flushed: Buffer;
  /** Writes since then, each as a stretch of the cached bytes. */
  dirty: { from: number; to: number }[];
}

/** Below this nothing is half written. */
const sectorBytes = 512;

export function createDisk(
  world: World,
  options: { readonly lie?: DiskLie; readonly latencyMs?: number } = {},
): SimulatedDisk {
  const random = world.random.fork("disk");
  const latencyMs = options.latencyMs ?? 4;
  /** Names as processes see them, and as a loss of power leaves them. */
  const names = new Map<string, Inode>();
  const lastingNames = new Map<string, Inode>();
  /** What is under way, and what of it has happened when its process dies. */
  const underWay = new Set<() => void>();
  const counts = { torn: 0, noSpace: 0, flushFailures: 0, bitFlips: 0 };
  const faults: DiskFaults = { isFull: false, flushFails: 0 };

  const flushDirectory = (directory: string): void => {
    for (const [path] of lastingNames)
      if (dirname(path) === directory && !names.has(path)) lastingNames.delete(path);
    for (const [path, inode] of names) if (dirname(path) === directory) lastingNames.set(path, inode);
  };
  const put = (inode: Inode, bytes: Uint8Array, at: number): void => {
    if (bytes.length === 0) return;
    const end = at + bytes.length;
    if (end > inode.cached.length) {
      const grown = Buffer.alloc(end);
      inode.cached.copy(grown);
      inode.cached = grown;
    } else inode.cached = Buffer.from(inode.cached);
    inode.cached.set(bytes, at);
    inode.dirty.push({ from: at, to: end });
  };
  const cut = (inode: Inode, length: number): void => {
    inode.cached = Buffer.from(inode.cached.subarray(0, length));
    inode.dirty.push({ from: length, to: length });
  };
  const flush = (inode: Inode): void => {
    if (options.lie === "flush_does_nothing") return;
    inode.flushed = inode.cached;
    inode.dirty = [];
  };
  const start = (bytes: Uint8Array = new Uint8Array(0)): Inode => {
    const inode = { cached: Buffer.alloc(0), flushed: Buffer.alloc(0), dirty: [] };
    put(inode, bytes, 0);
    return inode;
  };
  const inodeAt = (path: string): Inode => {
    const inode = names.get(path);
    if (inode === undefined) throw failure("ENOENT", path);
    return inode;
  };
  const mustHaveRoom = (path: string): void => {
    if (!faults.isFull) return;
    counts.noSpace += 1;
    throw failure("ENOSPC", path);
  };
  const mustFlush = (path: string): void => {
    if (!random.chance(faults.flushFails)) return;
    counts.flushFailures += 1;
    throw failure("EIO", path);
  };
  let taken = 0;
  let untilCall = 0;
  let call: () => void = () => undefined;
  const partOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, random.below(bytes.length + 1));

  function mount(life: Life): Disk {
    const later = world.after(life, "disk");
    /** Happens after a while, all at once; where the process dies before, `inPart` may have happened. */
    const takes = <T>(happen: () => T, inPart: () => void = () => undefined): Promise<T> =>
      new Promise((resolve, reject) => {
        underWay.add(inPart);
        untilCall -= 1;
        if (untilCall === 0) world.after(forEver, "amid")(0, call);
        later(latencyMs * random.next() ** 3, () => {
          underWay.delete(inPart);
          try {
            resolve(happen());
          } catch (error) {
            reject(error);
          }
        });
      });

    const writable = (inode: Inode, path: string): WritableFile => ({
      write: (given, at) => {
        const bytes = Buffer.from(given);
        const half = () => put(inode, partOf(bytes), at);
        return takes(() => {
          if (faults.isFull) half();
          mustHaveRoom(path);
          put(inode, bytes, at);
        }, half);
      },
      flush: () =>
        takes(
          () => {
            mustFlush(path);
            flush(inode);
          },
          () => random.chance(0.5) && flush(inode),
        ),
      truncate: (length) => takes(() => cut(inode, length)),
      close: () => takes(() => undefined),
    });

    return {
      makeDirectory: () => takes(() => undefined),
      list: (directory) =>
        takes(() =>
          [...names]
            .filter(([path]) => dirname(path) === directory)
            .map(([path, { cached }]) => ({ name: basename(path), bytes: cached.length })),
        ),
      create: async (path) => {
        const inode = await takes(
          () => {
            if (names.has(path)) throw failure("EEXIST", path);
            mustHaveRoom(path);
            const made = start();
            names.set(path, made);
            return made;
          },
          () => random.chance(0.5) && !names.has(path) && names.set(path, start()),
        );
        await takes(() => flushDirectory(dirname(path)));
        return writable(inode, path);
      },
      read: (path, at, length) => takes(() => copyOf(names.get(path)?.cached.subarray(at, at + length))),
      replace: async (path, given) => {
        const bytes = Buffer.from(given);
        const target = `${path}.new`;
        const halfWritten = () => names.set(target, start(partOf(bytes)));
        const inode = await takes(() => {
          if (faults.isFull) halfWritten();
          mustHaveRoom(path);
          const made = start(bytes);
          names.set(target, made);
          return made;
        }, halfWritten);
        await takes(() => {
          mustFlush(path);
          flush(inode);
        });
        await takes(() => {
          names.delete(target);
          names.set(path, inode);
        });
        await takes(() => flushDirectory(dirname(path)));
      },
      append: async (path, given) => {
        const bytes = Buffer.from(given);
        const inode = await takes(() => {
          const there = names.get(path) ?? start();
          names.set(path, there);
          return there;
        });
        const at = await takes(() => inode.cached.length);
        const half = () => put(inode, partOf(bytes), at);
        await takes(() => {
          if (faults.isFull) half();
          mustHaveRoom(path);
          put(inode, bytes, at);
        }, half);
        await takes(() => {
          mustFlush(path);
          flush(inode);
        });
        await takes(() => flushDirectory(dirname(path)));
      },
      truncate: async (path, length) => {
        await takes(() => cut(inodeAt(path), length));
        await takes(() => flush(inodeAt(path)));
      },
      remove: (path) =>
        takes(
          () => {
            inodeAt(path);
            names.delete(path);
          },
          () => random.chance(0.5) && names.delete(path),
        ),
    };
  }

  return {
    mount,
    faults,
    amidOperation: (n, then) => {
      untilCall = n;
      call = then;
    },
    killed: () => {
      for (const inPart of underWay) inPart();
      underWay.clear();
    },
    powerLost: () => {
      for (const path of new Set([...names.keys(), ...lastingNames.keys()])) {
        // Whether a name that was not flushed lasts is chance.
        const left = random.chance(0.5) ? names.get(path) : lastingNames.get(path);
        if (left === undefined) names.delete(path);
        else names.set(path, left);
      }
      for (const inode of new Set(names.values())) {
        if (inode.dirty.length > 0) counts.torn += 1;
        inode.cached = leftOf(inode, random);
        inode.flushed = inode.cached;
        inode.dirty = [];
      }
      lastingNames.clear();
      for (const [path, inode] of names) lastingNames.set(path, inode);
    },
    flipBit: (ending) => {
      const candidates = [...names].filter(
        ([path, { cached }]) => path.endsWith(ending) && cached.length > 0,
      );
      if (candidates.length === 0) return false;
      const [, inode] = random.pick(candidates);
      inode.cached = Buffer.from(inode.cached);
      const at = random.below(inode.cached.length);
      inode.cached[at] = (inode.cached[at] ?? 0) ^ (1 << random.below(8));
      if (inode.dirty.length === 0) inode.flushed = inode.cached;
      counts.bitFlips += 1;
      return true;
    },
    takeAway: () => {
      for (const [path, inode] of [...names]) {
        if (!/(refused\.ndjson|\.damaged)$/.test(path) || path.startsWith("/taken/")) continue;
        taken += 1;
        const elsewhere = `/taken/${taken}${path}`;
        for (const some of [names, lastingNames]) {
          some.delete(path);
          some.set(elsewhere, inode);
        }
      }
    },
    files: () => new Map([...names].map(([path, { cached }]) => [path, cached])),
    bytesOf: (ending) => {
      let bytes = 0;
      for (const [path, { cached }] of names) if (path.endsWith(ending)) bytes += cached.length;
      return bytes;
    },
    counts,
  };
}

/** Of what was written and not flushed: all, nothing, a beginning, or some sectors with zeros between them. */
function leftOf({ cached, flushed, dirty }: Inode, random: Random): Buffer {
  if (dirty.length === 0) return cached;
  const way = random.below(4);
  if (way === 0) return cached;
  if (way === 1) return flushed;
  const isShorter = cached.length < flushed.length;
  if (isShorter) return random.chance(0.5) ? cached : flushed;
  const first = Math.min(...dirty.map(({ from }) => from));
  if (way === 2) {
    const end = first + random.below(cached.length - first + 1);
    return Buffer.concat([cached.subarray(0, Math.max(end, first)), flushed.subarray(end)]);
  }
  const left = Buffer.from(cached);
  for (let from = first; from < cached.length; ) {
    const to = Math.min(cached.length, (Math.floor(from / sectorBytes) + 1) * sectorBytes);
    if (random.chance(0.5)) {
      left.fill(0, from, to);
      left.set(flushed.subarray(from, to), from);
    }
    from = to;
  }
  return left;
}

const copyOf = (bytes: Buffer | undefined): Buffer | undefined => bytes && Buffer.from(bytes);

const failure = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: simulated, ${path}`), { code });
