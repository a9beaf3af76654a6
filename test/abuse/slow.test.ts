// A body of which a byte comes now and then is not waited for: the runtime's bound holds from the request on, not from
// the last byte. In short what slow.tier.ts shows with a thousand connections and the service's own bound.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { adminKey, createHttpSide } from "../http/http-side.ts";

let server: HttpServer;
beforeAll(async () => {
  const { handle } = await createHttpSide();
  server = serve({ host: "127.0.0.1", port: 0, idleSeconds: 1, handle });
});
afterAll(() => server.stop(0));

/** Sends a piece every 100 ms until the server ends it; whether anything was answered 200. */
function drip(first: string, piece: string): Promise<{ ms: number; taken: boolean }> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let received = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(first));
    const dripping = setInterval(() => socket.write(piece), 100);
    const end = (): void => {
      clearInterval(dripping);
      socket.destroy();
      resolve({ ms: performance.now() - startedAt, taken: received.includes("200 OK") });
    };
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("error", end);
    socket.on("close", end);
  });
}

const post = (headers: string, key = adminKey): string =>
  `POST /api/incidents/webhook/ HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\n${headers}\r\n`;
const slow: readonly (readonly [string, string, string])[] = [
  ["a body", `${post("Content-Length: 4000\r\n")}{`, " "],
  ["chunks", post("Transfer-Encoding: chunked\r\n"), "1\r\n \r\n"],
  ["a body that nobody reads", `${post("Content-Length: 4000\r\n", "no-such-key")}{`, " "],
];

test("a body, chunks, and a body that nobody reads are cut off, a byte at a time as they come", async () => {
  const ends = await Promise.all(slow.map(([, first, piece]) => drip(first, piece)));
  for (const [at, { ms, taken }] of ends.entries()) {
    expect([slow[at]?.[0], taken]).toEqual([slow[at]?.[0], false]);
    expect(ms).toBeLessThan(20_000);
  }
}, 30_000);
