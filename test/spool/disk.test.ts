// What the spool may ask of a disk, of the real one and of those that stand in for it. What lasts through a loss of power
// is the simulation's own matter.

import { afterAll, describe, expect, test } from "bun:test";
import { type Disk, isNoSpace, realDisk } from "../../src/spool/disk.ts";
import { inWorld } from "../simulation/in-world.ts";
import { createDisk } from "../simulation/simulated-disk.ts";
import { createWorld, forEver } from "../simulation/world.ts";
import { memoryDisk } from "./memory-disk.ts";
import { scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory();
afterAll(() => scratch.remove());

const disks: Readonly<Record<string, { readonly disk: Disk; readonly directory: string }>> = {
  "the real disk": { disk: realDisk, directory: `${scratch.path}/spool` },
  "the disk in memory": { disk: memoryDisk(), directory: "/spool" },
  "the simulated disk": { disk: simulated(), directory: "/spool" },
};

function simulated(): Disk {
  const world = createWorld(1);
  const come = inWorld(world);
  const disk = createDisk(world).mount(forEver);
  return {
    makeDirectory: (path) => come(disk.makeDirectory(path)),
    list: (path) => come(disk.list(path)),
    create: async (path) => {
      const file = await come(disk.create(path));
      return {
        write: (bytes, at) => come(file.write(bytes, at)),
        flush: () => come(file.flush()),
        truncate: (length) => come(file.truncate(length)),
        close: () => come(file.close()),
      };
    },
    read: (path, at, length) => come(disk.read(path, at, length)),
    replace: (path, bytes) => come(disk.replace(path, bytes)),
    append: (path, bytes) => come(disk.append(path, bytes)),
    truncate: (path, length) => come(disk.truncate(path, length)),
    remove: (path) => come(disk.remove(path)),
  };
}

const bytes = (text: string): Buffer => Buffer.from(text);

for (const [name, { disk, directory }] of Object.entries(disks)) {
  describe(name, () => {
    const path = (file: string): string => `${directory}/${file}`;
    const textOf = async (file: string): Promise<string | undefined> =>
      (await disk.read(path(file), 0, 1_000))?.toString();

    test("makes a directory once or again, and lists what is in it", async () => {
      await disk.makeDirectory(directory);
      await disk.makeDirectory(directory);
      expect(await disk.list(directory)).toEqual([]);
      await disk.append(path("listed"), bytes("four"));
      expect(await disk.list(directory)).toEqual([{ name: "listed", bytes: 4 }]);
    });

    test("writes a new file at any place, and cuts it", async () => {
      const file = await disk.create(path("written"));
      await file.write(bytes("abcdef"), 0);
      await file.write(bytes("XY"), 2);
      await file.flush();
      expect(await textOf("written")).toBe("abXYef");
      await file.truncate(3);
      expect(await textOf("written")).toBe("abX");
      await file.close();
      await disk.truncate(path("written"), 1);
      expect(await textOf("written")).toBe("a");
    });

    test("takes no name that is there, and that is no want of room", async () => {
      await (await disk.create(path("once"))).close();
      const error = await disk.create(path("once")).catch((fault) => fault);
      expect([error.code, isNoSpace(error)]).toEqual(["EEXIST", false]);
    });

    test("reads a part, less at the end, nothing beyond it, and undefined where no file is", async () => {
      await disk.replace(path("read"), bytes("abcdef"));
      const part = async (at: number, length: number) =>
        (await disk.read(path("read"), at, length))?.toString();
      expect([await part(2, 3), await part(4, 10), await part(9, 3)]).toEqual(["cde", "ef", ""]);
      expect(await disk.read(path("nowhere"), 0, 10)).toBeUndefined();
    });

    test("replaces the whole, be it longer or shorter, and adds to the end", async () => {
      await disk.replace(path("replaced"), bytes("a long text"));
      await disk.replace(path("replaced"), bytes("short"));
      expect(await textOf("replaced")).toBe("short");
      await disk.append(path("replaced"), bytes(" and more"));
      expect(await textOf("replaced")).toBe("short and more");
      await disk.append(path("appended"), bytes("new"));
      expect(await textOf("appended")).toBe("new");
    });

    test("removes a file, and its name is free again", async () => {
      await disk.replace(path("removed"), bytes("x"));
      await disk.remove(path("removed"));
      expect(await disk.read(path("removed"), 0, 10)).toBeUndefined();
      await (await disk.create(path("removed"))).close();
      expect(await textOf("removed")).toBe("");
    });
  });
}
