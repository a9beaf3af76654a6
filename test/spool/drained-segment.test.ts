import { expect, test } from "bun:test";
import { memoryDisk } from "./memory-disk.ts";
import { idsIn, opened, recordOf } from "./scratch.ts";

test("what had drained before a restart takes up no room after it", async () => {
  const disk = memoryDisk();
  const maxBytes = 400;
  const first = await opened("/spool", { disk, maxBytes });
  expect(await first.add(recordOf("a", { text: "x".repeat(100) }))).toBe("spooled");
  const read = await first.read({ records: 1, bytes: 1 });
  expect(read.map(({ sequence }) => sequence)).toEqual([1n]);
  await first.acknowledge(read);
  await first.close();

  const again = await opened("/spool", { disk, maxBytes });
  expect(again.stats()).toMatchObject({ waiting: 0, bytes: 0 });
  expect(await again.add(recordOf("b", { text: "x".repeat(100) }))).toBe("spooled");
  expect(await idsIn(again)).toEqual(["b"]);
  await again.close();
});
