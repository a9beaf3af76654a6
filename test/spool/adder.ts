// A process that spools without end and prints each id once it has been acknowledged. Made to be killed.
// usage: adder.ts DIRECTORY PREFIX

import { opened, recordOf } from "./scratch.ts";

const [, , directory = "", prefix = ""] = process.argv;
const spool = await opened(directory, { segmentBytes: 64 * 1024 });
let count = 0;
const add = async (): Promise<never> => {
  for (;;) {
    count += 1;
    const id = `${prefix}-${count}`;
    if ((await spool.add(recordOf(id, { text: "x".repeat(count % 700) }))) === "spooled")
      process.stdout.write(`${id}\n`);
  }
};
await Promise.all(Array.from({ length: 16 }, add));
