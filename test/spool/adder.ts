// A process that spools without end and prints each id once it has been acknowledged, and drains its spool into an
// event store if it is given one. Made to be killed.
// usage: adder.ts DIRECTORY PREFIX [EVENTSTORE_URL]

import { setTimeout as pause } from "node:timers/promises";
import { connectEventStore } from "../../src/eventstore/client.ts";
import { startForwarder } from "../../src/spool/forwarder.ts";
import { opened, quiet, recordOf } from "./scratch.ts";

const [, , directory = "", prefix = "", url] = process.argv;
const spool = await opened(directory, { segmentBytes: 64 * 1024 });
if (url !== undefined) {
  const { append, readBackwards } = connectEventStore({ url, log: quiet });
  startForwarder({ spool, append, readBackwards, log: quiet });
}

let count = 0;
const add = async (): Promise<never> => {
  for (;;) {
    count += 1;
    const number = count;
    // Ids are UUIDs where a real event store gets them.
    const id = url === undefined ? `${prefix}-${number}` : crypto.randomUUID();
    const streams = url === undefined ? `incident-p.${prefix}-` : prefix;
    const record = recordOf(id, { stream: `${streams}${number % 40}`, text: "x".repeat(number % 700) });
    if ((await spool.add(record)) === "spooled") process.stdout.write(`${id}\n`);
    if (url !== undefined) await pause(5);
  }
};
await Promise.all(Array.from({ length: 16 }, add));
