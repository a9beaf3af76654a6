// Queries that wait for what was acknowledged: on every read route, within one bound, and only where they ask for it.

import { describe, expect, test } from "bun:test";
import { adminKey, createHttpSide, events, projectA, recorded } from "./http-side.ts";

const at = `/api/projects/${projectA}`;
const fromReadModel = ["/incidents", "/incidents/i", "/incidents/i/timeline", "/pairs", "/mttr"];
const fromEventStore = ["/replay", "/incidents/i/replay", "/quarantine"];

/** The HTTP side, and what it waited for. `reach`: how far the read model and the event store come. */
async function waiting(reach: { readonly acknowledged?: bigint | undefined; readonly position?: bigint }) {
  const waited: (readonly [string, string | bigint])[] = [];
  const times: number[] = [];
  const comesTo = (what: string) => async (position: bigint, timeoutMs: number) => {
    waited.push([what, position]);
    times.push(timeoutMs);
    return position <= (reach.position ?? 100n);
  };
  const http = await createHttpSide({
    acknowledgedUpTo: async (project, timeoutMs) => {
      waited.push(["acknowledged", project]);
      times.push(timeoutMs);
      return "acknowledged" in reach ? reach.acknowledged : 70n;
    },
    waitFor: comesTo("read model"),
    holdsUpTo: comesTo("event store"),
    replayProject: () => events([recorded(1)]),
  });
  const get = (path: string) => http.ask("GET", at + path, { key: adminKey });
  return { get, waited, times };
}

describe("without the parameters", () => {
  test("nothing waits", async () => {
    const { get, waited } = await waiting({ acknowledged: undefined, position: -1n });
    for (const path of [...fromReadModel, ...fromEventStore]) {
      expect((await get(path)).status).toBeLessThan(500);
      expect((await get(`${path}?fresh=false`)).status).toBeLessThan(500);
    }
    expect(waited).toEqual([]);
  });
});

describe("fresh=true", () => {
  for (const path of fromReadModel)
    test(`${path} waits until what was acknowledged is in the read model`, async () => {
      const { get, waited, times } = await waiting({});
      expect((await get(`${path}?fresh=true`)).status).toBeLessThan(500);
      expect(waited).toEqual([
        ["acknowledged", projectA],
        ["read model", 70n],
      ]);
      expect(times[0]).toBe(5_000);
      expect(times[1]).toBeLessThanOrEqual(5_000);
    });

  for (const path of fromEventStore)
    test(`${path} waits until it is in the event store, and for nothing else`, async () => {
      const { get, waited } = await waiting({ position: -1n });
      expect((await get(`${path}?fresh=true`)).status).toBeLessThan(500);
      expect(waited).toEqual([["acknowledged", projectA]]);
    });

  for (const path of [...fromReadModel, ...fromEventStore])
    test(`${path} is a 503 that says when to come again where something stays on the spool`, async () => {
      const { get, waited } = await waiting({ acknowledged: undefined });
      const answer = await get(`${path}?fresh=true`);
      expect(answer.status).toBe(503);
      expect(answer.body.details).toBe("Not everything that was acknowledged is in the event store yet.");
      expect(answer.headers.get("retry-after")).toBe("1");
      expect(waited).toEqual([["acknowledged", projectA]]);
    });

  test("a read model that does not come so far is a 503", async () => {
    const { get } = await waiting({ acknowledged: 101n });
    const answer = await get("/mttr?fresh=true");
    expect(answer.status).toBe(503);
    expect(answer.body.details).toBe("The read model has not come to position 101 yet.");
  });

  test("is true or false", async () => {
    const { get, waited } = await waiting({});
    for (const text of ["1", "TRUE", ""]) {
      const answer = await get(`/replay?fresh=${text}`);
      expect(answer.status).toBe(400);
      expect(answer.body.details).toStartWith("fresh must be true or false");
    }
    expect(waited).toEqual([]);
  });
});

describe("min_position", () => {
  test("with fresh=true waits for the greater of the two positions", async () => {
    const { get, waited } = await waiting({});
    await get("/pairs?fresh=true&min_position=9");
    await get("/pairs?fresh=true&min_position=90");
    expect(waited.filter(([what]) => what === "read model")).toEqual([
      ["read model", 70n],
      ["read model", 90n],
    ]);
  });

  for (const path of fromEventStore)
    test(`${path} waits until the event store has come so far, else it is a 503`, async () => {
      const { get, waited } = await waiting({});
      expect((await get(`${path}?min_position=100`)).status).toBeLessThan(500);
      const late = await get(`${path}?min_position=101`);
      expect(late.status).toBe(503);
      expect(late.body.details).toBe("The event store has not come to position 101 yet.");
      expect(waited).toEqual([
        ["event store", 100n],
        ["event store", 101n],
      ]);
    });
});

describe("a parameter that is not known", () => {
  test("is answered with those that are, or that there are none", async () => {
    const { get } = await waiting({});
    expect((await get("/replay?limit=5")).body.details).toBe(
      'There is no parameter "limit"; there are min_position, fresh.',
    );
    expect((await get("/status-mappings?limit=5")).body.details).toBe(
      'There is no parameter "limit"; this route takes none.',
    );
  });
});
