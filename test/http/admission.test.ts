// Admission: bounded requests and bytes, shared fairly among the keys, refused in the contract's words and counted.

import { describe, expect, test } from "bun:test";
import { admission } from "../../src/http/admission.ts";
import { heldToSchema, servedDocument } from "./answer-check.ts";

/** The answer to a webhook that was admitted. */
const recorded = JSON.stringify(
  (await servedDocument()).paths["/api/incidents/webhook/"]?.post?.responses["200"]?.content?.[
    "application/json"
  ]?.example,
);

const silent = {
  metrics: {
    webhook: () => {},
    rejected: () => {},
    repaired: () => {},
    quarantine: () => {},
    leftOut: () => {},
    ignored: () => {},
    unknownStatus: () => {},
    appended: () => {},
    request: () => {},
    text: async () => ({ contentType: "", body: "" }),
  },
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  newRequestId: () => "made-here",
  maxBodyBytes: 100_000,
};

interface World {
  readonly send: (path?: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  /** Lets all that is being handled end. */
  readonly finish: () => void;
  readonly handled: () => number;
  readonly rejected: readonly string[];
  readonly warnings: readonly object[];
}

function world(bounds: Parameters<typeof admission>[0]["bounds"]): World {
  const ends: (() => void)[] = [];
  const rejected: string[] = [];
  const warnings: object[] = [];
  let handled = 0;
  const unchecked = admission({
    ...silent,
    handle: () => {
      handled += 1;
      const headers = { "Content-Type": "application/json" };
      return new Promise((resolve) => ends.push(() => resolve(new Response(recorded, { headers }))));
    },
    metrics: { ...silent.metrics, rejected: ({ reason }) => rejected.push(reason) },
    log: { ...silent.log, warn: (details) => warnings.push(details) },
    bounds: { waiting: 0, ...bounds },
  });
  const handle = heldToSchema(unchecked);
  return {
    send: (path = "/api/incidents/webhook/", headers = {}) =>
      handle(new Request(`http://ledger${path}`, { method: "POST", headers })),
    finish: () => {
      for (const end of ends.splice(0)) end();
    },
    handled: () => handled,
    rejected,
    warnings,
  };
}

const from = (key: string) => ({ "X-API-Key": key });

describe("requests", () => {
  test("of one key take half of the places at most, and others' are let in all the same", async () => {
    const { send, handled, rejected, finish, warnings } = world({ webhooks: 10 });
    const held = Array.from({ length: 5 }, () => send(undefined, from("flood")));
    const refused = await send(undefined, from("flood"));
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(refused.headers.get("x-request-id")).toBe("made-here");
    expect(await refused.json()).toEqual({
      success: false,
      error: "Service unavailable",
      details: "Too many requests are being handled; send it again.",
    });
    held.push(send(undefined, from("quiet")));
    expect(handled()).toBe(6);
    expect(rejected).toEqual(["overloaded"]);
    expect(warnings).toHaveLength(1);
    finish();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array(6).fill(200));
    void send(undefined, from("flood"));
    expect(handled()).toBe(7);
  });

  test("are told apart by the key wherever it stands", async () => {
    const { send, handled } = world({ webhooks: 4 });
    const lamp = "/api/incidents/webhook/lamp";
    for (let more = 0; more < 3; more++) {
      void send(`${lamp}?token=flood`);
      void send(lamp, { Authorization: "Bearer flood" });
    }
    expect(handled()).toBe(2);
    void send(`${lamp}?token=quiet`);
    expect(handled()).toBe(3);
  });

  test("that are no webhooks have places of their own", async () => {
    const { send, handled, rejected } = world({ webhooks: 2, others: 2 });
    for (let more = 0; more < 3; more++) void send("/api/projects", from("one"));
    expect([handled(), rejected.length]).toEqual([1, 0]);
    void send(undefined, from("one"));
    expect(handled()).toBe(2);
  });

  test("about the service's health are let in whatever else there is", async () => {
    const { send, handled } = world({ webhooks: 2, others: 2 });
    for (let more = 0; more < 3; more++) void send("/metrics");
    expect(handled()).toBe(1);
    for (const path of ["/health/live", "/health/ready", "/health/ingest"]) void send(path);
    expect(handled()).toBe(4);
  });

  test("that meet a bug get the contract's 500 without a word of it, and give their place back", async () => {
    let failing = true;
    const errors: unknown[] = [];
    const handle = admission({
      ...silent,
      log: { ...silent.log, error: (...said) => errors.push(said) },
      handle: async () => {
        if (failing) throw new Error("http://ledger/?token=secret");
        return new Response();
      },
      bounds: { webhooks: 2, waiting: 0 },
    });
    const ask = () => handle(new Request("http://ledger/api/incidents/webhook", { method: "POST" }));
    const answer = await ask();
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ success: false, error: "Internal error" });
    expect(JSON.stringify(errors)).toContain("a request met a fault");
    expect(JSON.stringify(errors)).not.toContain("secret");
    failing = false;
    expect((await ask()).status).toBe(200);
  });
});

describe("who finds no place", () => {
  test("waits a moment, and is let in where one has come free", async () => {
    const { send, finish, handled, rejected } = world({
      webhooks: 2,
      waiting: 10,
      askEveryMs: 5,
      waitMs: 60_000,
    });
    const held = send(undefined, from("one"));
    const waiting = send(undefined, from("one"));
    expect(handled()).toBe(1);
    finish();
    await held;
    // It asks again by itself: there is nothing that tells of it but its being handled.
    while (handled() < 2) await new Promise((resolve) => setImmediate(resolve));
    finish();
    expect((await waiting).status).toBe(200);
    expect(rejected).toEqual([]);
  });

  test("is refused where none has, and at once where too many wait already or its body is large", async () => {
    const { send, rejected } = world({ webhooks: 2, waiting: 2, askEveryMs: 5, waitMs: 20 });
    void send(undefined, from("one"));
    const waiting = send(undefined, from("one"));
    expect((await send(undefined, from("one"))).status).toBe(503);
    expect(rejected).toHaveLength(1);
    expect((await waiting).status).toBe(503);
    const large = { ...from("one"), "Content-Length": "20000" };
    const other = world({ webhooks: 2, waiting: 2, askEveryMs: 5, waitMs: 60_000 });
    void other.send(undefined, large);
    expect((await other.send(undefined, large)).status).toBe(503);
  });
});

test("a place among those who wait is given back, whether one was let in or refused", async () => {
  const { send, finish, rejected } = world({ webhooks: 2, waiting: 2, askEveryMs: 1, waitMs: 3 });
  const held = send(undefined, from("one"));
  for (let more = 0; more < 5; more++) expect((await send(undefined, from("one"))).status).toBe(503);
  // Had it not been given back, these would be refused at once: another's can only be told by its waiting.
  const again = send(undefined, from("one"));
  expect(rejected).toHaveLength(5);
  finish();
  await held;
  const end = performance.now() + 5_000;
  while (rejected.length < 6 && performance.now() < end) {
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    if ((await Promise.race([again, Promise.resolve(undefined)])) !== undefined) break;
  }
  expect((await again).status).toBe(200);
});

describe("bodies", () => {
  test("are held up to a bound, each as long as announced, the longest where nothing is", async () => {
    const { send, handled, rejected } = world({ bodyBytes: 400_000 });
    const with1 = (length: string) => send(undefined, { ...from("one"), "Content-Length": length });
    void with1("100000");
    void send(undefined, { ...from("one"), "Transfer-Encoding": "chunked" });
    expect(handled()).toBe(2);
    expect((await with1("1")).status).toBe(503);
    expect(rejected).toEqual(["overloaded"]);
    void send(undefined, { ...from("other"), "Content-Length": "100000" });
    expect(handled()).toBe(3);
  });

  test("are given back with their request", async () => {
    const { send, finish, handled } = world({ bodyBytes: 200_000 });
    const large = { ...from("one"), "Content-Length": "100000" };
    const held = send(undefined, large);
    expect((await send(undefined, large)).status).toBe(503);
    finish();
    await held;
    void send(undefined, large);
    expect(handled()).toBe(2);
  });

  test("that are too large are for the routes to refuse, and hold nothing", async () => {
    const { send, handled } = world({ bodyBytes: 200_000 });
    for (let more = 0; more < 5; more++) void send(undefined, { ...from("one"), "Content-Length": "100001" });
    expect(handled()).toBe(5);
  });
});
