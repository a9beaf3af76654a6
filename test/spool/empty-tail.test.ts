import { expect, test } from "bun:test";
import { memoryDisk } from "./memory-disk.ts";
import { idsIn, opened, recordOf } from "./scratch.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// What a torn first record leaves: a segment with nothing in it, and a cursor that does not reach up to its name.
test("what is spooled while an empty segment goes stays, and is read", async () => {
  const path = "/spool/00000000000000000002.spool";
  const memory = memoryDisk(new Map([[path, Buffer.alloc(0)]]));
  let removals = 0;
  const disk = {
    ...memory,
    // The first one to begin is the last one to be done.
    remove: async (file: string) => {
      const isFirst = removals === 0;
      removals += 1;
      for (let turns = isFirst ? 20 : 0; turns > 0; turns--) await turn();
      if (!memory.files.delete(file)) throw Object.assign(new Error(`ENOENT ${file}`), { code: "ENOENT" });
    },
  };
  const spool = await opened("/spool", { disk, segmentBytes: 1 });
  const reading = spool.read({ records: 7, bytes: 1 << 20 });
  for (let turns = 0; turns < 10; turns++) await turn();
  const added = await spool.add(recordOf("a"));
  const none = await reading;
  expect(none).toEqual([]);
  expect(added).toBe("spooled");
  expect(await spool.add(recordOf("b"))).toBe("spooled");
  expect(await idsIn(spool)).toEqual(["a", "b"]);
  await spool.close();
});
