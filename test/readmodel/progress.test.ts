// How far the read model has come is told honestly, also while nothing moves.

import { expect, test } from "bun:test";
import { Progress } from "../../src/readmodel/progress.ts";

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("It did not come true within 5 s.");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test("events that have come and are not applied are a lag that grows, and ends when they are", async () => {
  const progress = new Progress();
  progress.leads({ position: 10n, deadLetters: 0 });
  progress.applied({ upTo: 20n, deadLetters: 0, caughtUp: true });
  expect(progress.status()).toMatchObject({ caughtUp: true, lagSeconds: 0 });
  // Nothing came for a while: that is no lag, now or of what comes next.
  const appliedAt = Date.now();
  await until(() => Date.now() > appliedAt + 30);
  expect(progress.status().lagSeconds).toBe(0);
  progress.received();
  expect(progress.status().lagSeconds).toBeLessThan(0.03);
  await until(() => progress.status().lagSeconds > 0.05);
  progress.received();
  expect(progress.status().lagSeconds).toBeGreaterThan(0.05);
  progress.applied({ upTo: 30n, deadLetters: 0, caughtUp: true });
  expect(progress.status()).toMatchObject({ caughtUp: true, lagSeconds: 0 });
});
