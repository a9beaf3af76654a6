// What the metrics themselves cost: nothing of the heap, and one text a second whoever asks.

import { expect, test } from "bun:test";
import v8 from "node:v8";
import { createMetrics } from "../../src/http/metrics.ts";

const measured = {
  projectorLagSeconds: () => 0,
  projectorLagBytes: () => 0,
  projectorPosition: () => 0,
  deadLetters: () => 0,
  spooled: () => 0,
  spooledBytes: () => 0,
  oldestSpooledSeconds: () => 0,
  spoolBacklogSeconds: () => 0,
  damagedInSpool: () => 0,
  forwarded: () => 0,
  refusedByStore: () => 0,
};

async function msOf(run: () => unknown): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    await run();
    took.push(performance.now() - from);
  }
  return Math.min(...took);
}

test("a text looks at no heap: it costs a small part of one such look, and tells of no heap space", async () => {
  const heap = Array.from({ length: 1_000_000 }, (_, at) => ({ at, text: `object ${at}` }));
  const metrics = createMetrics(measured, 0);
  const [textMs, lookMs] = [await msOf(metrics.text), await msOf(() => v8.getHeapSpaceStatistics())];
  expect(heap.length).toBe(1_000_000);
  console.log(
    `metrics: ${textMs.toFixed(2)} ms with a large heap; one look at its spaces ${lookMs.toFixed(1)} ms`,
  );
  expect(textMs).toBeLessThan(lookMs / 4);
  const { body } = await metrics.text();
  expect(body).toContain("process_resident_memory_bytes");
  expect(body).not.toContain("heap_space");
});

test("a text is told again for a second, and then made anew", async () => {
  let made = 0;
  const counting = { ...measured, deadLetters: () => ++made };
  const keeping = createMetrics(counting, 60_000);
  const texts = await Promise.all([keeping.text(), keeping.text(), keeping.text()]);
  await keeping.text();
  expect([made, new Set(texts.map(({ body }) => body)).size]).toEqual([1, 1]);
  const forgetting = createMetrics(counting, 0);
  await forgetting.text();
  await forgetting.text();
  expect(made).toBe(3);
});

test("a method that a sender made up names no label", async () => {
  const metrics = createMetrics(measured, 0);
  for (const method of ["GET", "PROPFIND", ...Array.from({ length: 50 }, (_, at) => `MADE-UP-${at}`)]) {
    metrics.request({ method, route: "unknown", status: 404 }, 0.001);
  }
  const { body } = await metrics.text();
  const counts = [...body.matchAll(/^ledger_http_request_duration_seconds_count\{method="(.*?)".* (\d+)$/gm)];
  expect(counts.map(([, method, count]) => [method, count])).toEqual([
    ["GET", "1"],
    ["other", "51"],
  ]);
});
