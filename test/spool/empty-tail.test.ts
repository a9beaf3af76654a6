import { expect, test } from "bun:test";
import { memoryDisk } from "./memory-disk.ts";
import { idsIn, opened, recordOf } from "./scratch.ts";

// What a torn first record leaves: a segment with nothing in it, and a cursor that does not reach up to its name.
test("what is spooled while an empty segment goes stays, and is read", async () => {
  const path = "/spool/00000000000000000002.spool";
  const memory = memoryDisk(new Map([[path, Buffer.alloc(0)]]));
  const disk = {
    ...memory,
    remove: async (file: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (!memory.files.delete(file)) throw Object.assign(new Error(`ENOENT ${file}`), { code: "ENOENT" });
    },
  };
  const spool = await opened("/spool", { disk, segmentBytes: 1 });
  const [none, added] = await Promise.all([
    spool.read({ records: 7, bytes: 1 << 20 }),
    spool.add(recordOf("a")),
  ]);
  expect(none).toEqual([]);
  expect(added).toBe("spooled");
  expect(await spool.add(recordOf("b"))).toBe("spooled");
  expect(await idsIn(spool)).toEqual(["a", "b"]);
  await spool.close();
});
