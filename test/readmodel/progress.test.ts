// How far the read model has come is told honestly, also while nothing moves.

import { expect, test } from "bun:test";
import { Progress } from "../../src/readmodel/progress.ts";

test("events that have come and are not applied are a lag that grows, and ends when they are", () => {
  let now = 5_000;
  const progress = new Progress({ nowMs: () => now });
  progress.leads({ position: 10n, deadLetters: 0 });
  progress.applied({ upTo: 20n, deadLetters: 0, caughtUp: true });
  expect(progress.status()).toMatchObject({ caughtUp: true, lagSeconds: 0 });
  // Nothing came for a while: that is no lag, now or of what comes next.
  now += 30_000;
  expect(progress.status().lagSeconds).toBe(0);
  progress.received();
  expect(progress.status()).toMatchObject({ caughtUp: false, lagSeconds: 0 });
  now += 1_500;
  expect(progress.status().lagSeconds).toBe(1.5);
  // What comes next waits no longer than what came first.
  progress.received();
  expect(progress.status().lagSeconds).toBe(1.5);
  now += 500;
  progress.applied({ upTo: 25n, deadLetters: 0, caughtUp: false });
  expect(progress.status()).toMatchObject({ caughtUp: false, lagSeconds: 2 });
  progress.applied({ upTo: 30n, deadLetters: 0, caughtUp: true });
  expect(progress.status()).toMatchObject({ caughtUp: true, lagSeconds: 0 });
});

test("before the first event is applied, and while projecting is interrupted, the lag grows from the last time all was there", () => {
  let now = 0;
  const progress = new Progress({ nowMs: () => now });
  now += 2_000;
  expect(progress.status()).toMatchObject({ caughtUp: false, lagSeconds: 2 });
  progress.leads({ position: undefined, deadLetters: 0 });
  progress.applied({ upTo: 1n, deadLetters: 0, caughtUp: true });
  now += 1_000;
  progress.failed("Postgres is away");
  expect(progress.status()).toMatchObject({ lagSeconds: 1, lastError: "Postgres is away" });
  now += 1_000;
  expect(progress.status().lagSeconds).toBe(2);
});
