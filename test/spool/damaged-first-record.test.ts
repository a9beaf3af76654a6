import { expect, test } from "bun:test";
import { memoryDisk } from "./memory-disk.ts";
import { idsIn, opened, quiet, recordOf } from "./scratch.ts";

test("a damaged record before a torn one is reported and set aside, though no whole record is left", async () => {
  const disk = memoryDisk();
  const first = await opened("/spool", { disk });
  expect(await first.add(recordOf("a"))).toBe("spooled");
  const whole = disk.files.get("/spool/00000000000000000001.spool")?.length ?? 0;
  expect(await first.add(recordOf("b"))).toBe("spooled");
  await first.close();
  const [[path, bytes] = ["", Buffer.alloc(0)]] = [...disk.files].filter(([name]) => name.endsWith(".spool"));
  const left = Buffer.from(bytes.subarray(0, whole + 30));
  left[whole - 5] = (left[whole - 5] ?? 0) ^ 1;
  disk.files.set(path, left);

  const errors: string[] = [];
  const log = { ...quiet, error: (_: object, message: string) => void errors.push(message) };
  const again = await opened("/spool", { disk, log });
  expect(await idsIn(again)).toEqual([]);
  expect(again.stats().damaged).toBe(1);
  expect(errors).toEqual(["set aside damaged bytes of the spool"]);
  expect(disk.files.get(`${path}.0.damaged`)).toEqual(left.subarray(0, whole));
  expect(await again.add(recordOf("c"))).toBe("spooled");
  expect(await idsIn(again)).toEqual(["c"]);
  await again.close();
});
