import { describe, expect, test } from "bun:test";
import type { EventStoreDBClient } from "@eventstore/db-client";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { createAppender } from "../../src/eventstore/append.ts";

type Reply = { nextExpectedRevision: bigint; position?: { commit: bigint } };
type Call = { stream: string; ids: string[]; expected: unknown };

/** A client that answers each append as the given function says. */
function clientThat(answer: (call: Call, n: number) => Promise<Reply>) {
  const calls: Call[] = [];
  let opened = 0;
  const open = () => {
    opened += 1;
    return {
      appendToStream: (stream: string, events: { id: string }[], options: { expectedRevision: unknown }) => {
        const call = { stream, ids: events.map((event) => event.id), expected: options.expectedRevision };
        calls.push(call);
        return answer(call, calls.length);
      },
      dispose: async () => undefined,
      getChannel: async () => ({ close: () => undefined }),
    } as unknown as EventStoreDBClient;
  };
  return { open, calls, opened: () => opened };
}

const event = (id: string): NewEvent => ({
  id,
  type: "ApiKeyRevoked",
  data: { key_id: "k", project_uuid: "p", revoked_at: "t" },
  metadata: { source: "test" },
});
const stored = (id: string, revision: bigint): RecordedEvent => ({
  id,
  type: "T",
  stream: "s",
  revision,
  position: revision + 100n,
  recorded_at: new Date(0),
  data: {},
  metadata: {},
});
const done: Reply = { nextExpectedRevision: 3n, position: { commit: 9n } };
const rejected = (fields: object) => Promise.reject(Object.assign(new Error("failed"), fields));
const never = () => new Promise<Reply>(() => undefined);

function appenderOver(
  answer: (call: Call, n: number) => Promise<Reply>,
  more: { timeoutMs?: number; inStream?: readonly RecordedEvent[] } = {},
) {
  const client = clientThat(answer);
  const standing: (string | undefined)[] = [];
  const appender = createAppender({
    open: client.open,
    readSome: async (_, from, { count }) =>
      (more.inStream ?? []).filter(({ revision }) => revision >= from).slice(0, count),
    timeoutMs: more.timeoutMs ?? 300,
    standing: ({ failing }) => standing.push(failing),
  });
  return { ...appender, client, standing };
}

describe("an append", () => {
  test("hands on revision and position, and does without a position", async () => {
    const { append } = appenderOver(async (_, n) => (n === 1 ? done : { nextExpectedRevision: 3n }));
    expect(await append("s", [event("a")], "any")).toEqual({ tag: "appended", revision: 3n, position: 9n });
    expect(await append("s", [event("a")], "any")).toEqual({ tag: "appended", revision: 3n });
  });

  for (const [name, fault] of [
    ["a raw gRPC error", { code: 14, message: "14 UNAVAILABLE" }],
    ["the client's unavailable error", { type: "unavailable" }],
    [
      "not ready, as the batch path says it",
      { type: "unknown", message: "Could not recognize Server Is Not Ready" },
    ],
    ["busy", { type: "unknown", message: "Could not recognize Server Is Too Busy" }],
    ["cancelled by a restarting server", { type: "cancelled", code: 1 }],
    ["a deadline", { type: "deadline-exceeded" }],
  ] as const) {
    test(`is sent again with the same ids and the same expectation after ${name}`, async () => {
      const { append, client } = appenderOver((_, n) => (n < 3 ? rejected(fault) : Promise.resolve(done)));
      expect((await append("s", [event("a"), event("b")], 4n)).tag).toBe("appended");
      expect(client.calls.length).toBe(3);
      for (const call of client.calls) expect(call).toEqual({ stream: "s", ids: ["a", "b"], expected: 4n });
    });
  }

  test("ends within its bound when nothing answers, and says so", async () => {
    const { append } = appenderOver(never, { timeoutMs: 40 });
    expect(await append("s", [event("a")], "any")).toEqual({
      tag: "unavailable",
      reason: "no answer within 40 ms",
    });
  });

  test("is not sent again when it is too large", async () => {
    for (const fault of [
      { type: "maximum-append-size-exceeded" },
      { type: "unknown", message: "Could not recognize Maximum Append Event Size of 16 Exceeded" },
    ]) {
      const { append, client } = appenderOver(() => rejected(fault));
      expect(await append("s", [event("a")], "any")).toEqual({ tag: "too_large" });
      expect(client.calls.length).toBe(1);
    }
  });

  test("to a stream in any state is sent once: who asked decides whether to look first", async () => {
    const { append, client } = appenderOver(() => rejected({ code: 14, message: "14 UNAVAILABLE" }));
    expect(await append("s", [event("a")], "any")).toEqual({ tag: "unavailable", reason: "14 UNAVAILABLE" });
    expect(client.calls.length).toBe(1);
  });
});

describe("a wrong revision", () => {
  const wrong = () => rejected({ type: "wrong-expected-version" });

  test("is a conflict where other events are there", async () => {
    const { append } = appenderOver(wrong, { inStream: [stored("x", 0n), stored("y", 1n)] });
    expect(await append("s", [event("a")], "no_stream")).toEqual({ tag: "conflict" });
    expect(await append("s", [event("a")], 0n)).toEqual({ tag: "conflict" });
    expect(await append("s", [event("a")], "any")).toEqual({ tag: "conflict" });
  });

  test("is a success where these very events are there, because an earlier try got through", async () => {
    const { append } = appenderOver(wrong, { inStream: [stored("a", 0n), stored("b", 1n), stored("z", 2n)] });
    expect(await append("s", [event("a"), event("b")], "no_stream")).toEqual({
      tag: "appended",
      revision: 1n,
      position: 101n,
    });
    expect(await append("s", [event("b")], 0n)).toEqual({ tag: "appended", revision: 1n, position: 101n });
    expect(await append("s", [event("a"), event("z")], "no_stream")).toEqual({ tag: "conflict" });
  });
});

describe("while the store does not answer", () => {
  test("appends fail at once but for a probe, and work again with the first answer, late ones included", async () => {
    let release: (reply: Reply) => void = () => undefined;
    const { append, client, standing } = appenderOver(
      (_, n) =>
        n === 1
          ? new Promise<Reply>((resolve) => (release = resolve))
          : n === 2
            ? never()
            : Promise.resolve(done),
      { timeoutMs: 40 },
    );
    expect((await append("s", [event("a")], "any")).tag).toBe("unavailable");
    expect((await append("s", [event("b")], "any")).tag).toBe("unavailable");
    expect(await append("s", [event("c")], "any")).toEqual({
      tag: "unavailable",
      reason: "the event store does not answer",
      unsent: true,
    });
    expect(client.calls.length).toBe(2);
    release(done);
    await Promise.resolve();
    expect((await append("s", [event("d")], "any")).tag).toBe("appended");
    expect(standing).toEqual(["no answer within 40 ms", undefined]);
  });

  test("a client that keeps its first failure for ever is made anew", async () => {
    const { append, client } = appenderOver((_, n) =>
      n === 1 ? Promise.reject(new Error("Failed to discover after 10 attempts.")) : Promise.resolve(done),
    );
    expect((await append("s", [event("a")], 4n)).tag).toBe("appended");
    expect(client.opened()).toBe(2);
  });

  test("a client that reconnects by itself is kept", async () => {
    const { append, client } = appenderOver((_, n) =>
      n === 1 ? rejected({ code: 14 }) : Promise.resolve(done),
    );
    expect((await append("s", [event("a")], 4n)).tag).toBe("appended");
    expect(client.opened()).toBe(1);
  });
});
