import { expect, test } from "bun:test";
import { memoryDisk } from "./memory-disk.ts";
import { opened, recordOf } from "./scratch.ts";

// A process killed before its flush leaves records that the next one sees; a loss of power then takes them, and leaves
// the segment's name with nothing in it, before segments whose records were acknowledged.
test("a segment that a loss of power has emptied does not hide those behind it", async () => {
  const disk = memoryDisk();
  const segmentBytes = 1;
  const first = await opened("/spool", { disk, segmentBytes });
  for (const id of ["a", "b", "c", "d"]) expect(await first.add(recordOf(id))).toBe("spooled");
  await first.close();
  const names = [...disk.files.keys()].filter((path) => path.endsWith(".spool")).sort();
  expect(names).toHaveLength(4);
  for (const place of [0, 2]) disk.files.set(names[place] ?? "", Buffer.alloc(0));

  const again = await opened("/spool", { disk, segmentBytes });
  const read = await again.read({ records: 9, bytes: 1 << 20 });
  expect(read.map(({ record }) => record.events[0]?.id)).toEqual(["b", "d"]);
  expect(again.stats().damaged).toBe(0);
  await again.acknowledge(read);
  expect(again.stats().waiting).toBe(0);
  await again.close();
});
