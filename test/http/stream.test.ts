// The stream of changes as a page reads it: gathering, resuming and its end.

import { expect, test } from "bun:test";
import { EventStream } from "../../src/http/event-stream.ts";
import type { ProjectChange } from "../../src/http/ports.ts";
import { adminKey, createHttpSide, projectA, projectB } from "./http-side.ts";

type Take = (changes: readonly ProjectChange[]) => void;

const about = (incident: string, position: bigint): ProjectChange => ({
  about: "incident",
  incident,
  position,
});

/** Reads until the text holds `end`. */
async function readUntil(
  reader: { readonly read: () => Promise<{ done: boolean; value?: Uint8Array | undefined }> },
  end: string,
): Promise<string> {
  let text = "";
  while (!text.includes(end)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  return text;
}

function scriptedStream(isStillAllowed = () => true) {
  let take: Take = () => {};
  const ended: string[] = [];
  const stream = new EventStream({
    follow: async (call) => {
      take = call;
      return { missed: false, position: 7n, end: () => ended.push("unfollowed") };
    },
    isStillAllowed,
    ended: () => ended.push("ended"),
  });
  return {
    stream,
    reader: stream.body.getReader(),
    tell: (changes: ProjectChange[]) => take(changes),
    ended,
  };
}

test("it begins with where it is, and gathers what changes within a moment, each incident once", async () => {
  const { reader, tell } = scriptedStream();
  const hello = await readUntil(reader, "\n\n");
  expect(hello).toBe('retry: 1000\nid: 7\ndata: {"missed":false,"changes":[]}\n\n');
  // The other fields that watchers hear are no business of a page.
  const more = { ...about("b", 9n), project: projectA };
  tell([about("a", 8n), more]);
  tell([about("a", 10n)]);
  const next = await readUntil(reader, "\n\n");
  expect(next).toStartWith("id: 10\n");
  expect(JSON.parse(next.split("data: ")[1] ?? "")).toEqual({
    missed: false,
    changes: [
      { about: "incident", incident: "a", position: "10" },
      { about: "incident", incident: "b", position: "9" },
    ],
  });
  await reader.cancel();
});

test("a text of a sender cannot begin an event of its own", async () => {
  const { reader, tell } = scriptedStream();
  await readUntil(reader, "\n\n");
  tell([about('x\n\ndata: {"missed":true}\r\rid: 1', 8n)]);
  const text = await readUntil(reader, "\n\n");
  expect(text.match(/[\r\n]/g)).toHaveLength(3);
  await reader.cancel();
});

test("more changes than can be named are announced as missed", async () => {
  const { reader, tell } = scriptedStream();
  await readUntil(reader, "\n\n");
  tell(Array.from({ length: 201 }, (_, at) => about(`i${at}`, BigInt(at + 8))));
  expect(await readUntil(reader, "\n\n")).toBe('id: 208\ndata: {"missed":true,"changes":[]}\n\n');
  await reader.cancel();
});

test("a reader that does not read is cut off, and one that goes is let go", async () => {
  const { stream, tell, ended } = scriptedStream();
  await Promise.resolve();
  for (let round = 0; round < 20 && ended.length === 0; round++) {
    tell(Array.from({ length: 200 }, (_, at) => about(`${round} ${at} ${"x".repeat(400)}`, BigInt(round))));
    await new Promise((resolve) => setTimeout(resolve, 260));
  }
  expect(ended).toEqual(["unfollowed", "ended"]);
  stream.close();
  const gone = scriptedStream();
  await readUntil(gone.reader, "\n\n");
  await gone.reader.cancel();
  gone.stream.close();
  expect(gone.ended).toEqual(["unfollowed", "ended"]);
}, 20_000);

test("the route takes a key of the project, and passes on where to resume", async () => {
  const asked: unknown[] = [];
  const http = await createHttpSide({
    changes: {
      follow: async (project, { after }) => {
        asked.push([project, after]);
        return { missed: after === undefined, position: 5n, end: () => {} };
      },
    },
  });
  const key = await http.keyFor(projectA, ["read"]);
  const open = (project: string, headers: Record<string, string>, query = ""): Promise<Response> =>
    http.handle(new Request(`http://ledger/api/projects/${project}/stream${query}`, { headers }));
  expect((await open(projectA, {})).status).toBe(401);
  expect((await open(projectB, { "X-API-Key": key })).status).toBe(404);
  expect((await open(projectA, { "X-API-Key": key, "Last-Event-ID": "x" })).status).toBe(400);
  const first = await open(projectA, { "X-API-Key": key });
  expect(first.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const second = await open(projectA, { "X-API-Key": key, "Last-Event-ID": "3" });
  const third = await open(projectA, { "X-API-Key": adminKey }, "?after=4");
  expect(asked).toEqual([
    [projectA, undefined],
    [projectA, 3n],
    [projectA, 4n],
  ]);
  for (const stream of [first, second, third]) await stream.body?.cancel();
});

test("one key cannot take the places of all others", async () => {
  const http = await createHttpSide();
  const key = await http.keyFor(projectA, ["read"]);
  const open = (secret: string): Promise<Response> =>
    http.handle(
      new Request(`http://ledger/api/projects/${projectA}/stream`, { headers: { "X-API-Key": secret } }),
    );
  const streams: Response[] = [];
  for (let at = 0; at < 256; at++) streams.push(await open(key));
  expect(streams.every(({ status }) => status === 200)).toBe(true);
  expect((await open(key)).status).toBe(503);
  const others = await open(adminKey);
  expect(others.status).toBe(200);
  for (const stream of [...streams, others]) await stream.body?.cancel();
  const again = await open(key);
  expect(again.status).toBe(200);
  await again.body?.cancel();
});
