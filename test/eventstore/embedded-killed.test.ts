// The embedded event store killed at random while eight writers append: what was acknowledged is there, once, in order.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomFrom } from "../faults/seed.ts";
import { seed } from "../gate/run-settings.ts";
import { connect, event, numbersIn } from "./contract-store.ts";
import { type EmbeddedProcess, startedEmbedded } from "./embedded-process.ts";

const kills = 10;
const writers = 8;
const random = randomFrom(seed);

test("every acknowledged event survives ten kills, once and in order", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ledger-killed-"));
  const file = join(directory, "events.sqlite");
  let server: EmbeddedProcess = await startedEmbedded(file);
  const client = connect(server.url);
  const acknowledged = new Array<number>(writers).fill(0);
  const total = (): number => acknowledged.reduce((sum, count) => sum + count, 0);
  let done = false;
  // A retry repeats the id without a revision, so only the store's own memory of ids keeps it from a second copy.
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !done; n++) {
      const next = event(n);
      for (let stored = false; !stored; ) {
        stored = await client.appendToStream(`writer-${writer}`, next).then(
          () => true,
          () => false,
        );
        if (!stored) await new Promise((resolve) => setTimeout(resolve, 5));
        if (!stored && done) return;
      }
      acknowledged[writer] = n + 1;
    }
  };
  const writing = Array.from({ length: writers }, (_, writer) => write(writer));
  try {
    for (let kill = 0; kill < kills; kill++) {
      // At least some appends between two kills, and then at no particular moment of a flush.
      const until = total() + 100 + random.below(200);
      const end = performance.now() + 10_000;
      while (total() < until && performance.now() < end)
        await new Promise((resolve) => setImmediate(resolve));
      expect(total()).toBeGreaterThanOrEqual(until);
      await server.end("SIGKILL");
      server = await startedEmbedded(file, server.port);
    }
    done = true;
    await Promise.all(writing);
    for (const [writer, count] of acknowledged.entries()) {
      const stored = await numbersIn(client, `writer-${writer}`);
      // The last append may have been stored although its answer was lost.
      expect([count, count + 1]).toContain(stored.length);
      expect(stored).toEqual(Array.from({ length: stored.length }, (_, n) => n));
    }
  } finally {
    done = true;
    await client.dispose();
    await server.end("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);
