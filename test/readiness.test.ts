// Health is answered in time and honestly, whatever a dependency does.

import { expect, test } from "bun:test";
import { askAll, shared } from "../src/readiness.ts";

test("each dependency is named with how it is", async () => {
  const standings = await askAll(
    {
      eventstore: () => undefined,
      spool: () => ({ fine: "3 webhooks wait" }),
      postgres: () => "nothing listens there",
      projector: () => Promise.reject(new Error("closed")),
      registry: () => {
        throw new Error("not read yet");
      },
    },
    1_000,
  );
  expect(standings).toEqual({
    eventstore: { ok: true, detail: "ok" },
    spool: { ok: true, detail: "3 webhooks wait" },
    postgres: { ok: false, detail: "nothing listens there" },
    projector: { ok: false, detail: "closed" },
    registry: { ok: false, detail: "not read yet" },
  });
});

test("one that never answers is not waited for", async () => {
  const standings = await askAll({ postgres: () => new Promise(() => {}), eventstore: () => undefined }, 20);
  expect(standings.postgres).toEqual({ ok: false, detail: "no answer within 20 ms" });
  expect(standings.eventstore?.ok).toBe(true);
});

test("who asks meanwhile gets the same answer, and the next one a new one", async () => {
  const answers: ((value: number) => void)[] = [];
  const ask = shared(() => new Promise<number>((resolve) => answers.push(resolve)));
  const both = [ask(), ask()];
  expect(answers).toHaveLength(1);
  answers[0]?.(1);
  expect(await Promise.all(both)).toEqual([1, 1]);
  const next = ask();
  answers[1]?.(2);
  expect(await next).toBe(2);
});
