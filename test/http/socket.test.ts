// The HTTP side behind the runtime's server, over real sockets: what only bytes on a wire can show.

import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { adminKey, createHttpSide, events, type HttpSide, projectA, recorded } from "./http-side.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(0)));
});

async function listening(http: HttpSide, idleSeconds = 10): Promise<HttpServer> {
  const server = serve({ host: "127.0.0.1", port: 0, idleSeconds, handle: http.handle });
  servers.push(server);
  return server;
}

/** Sends the bytes and answers everything that comes back until the server closes, or until `enough`. */
function exchange(port: number, sent: string, enough: RegExp = /$^/): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(sent));
    socket.setTimeout(10_000, () => reject(new Error(`nothing more came after: ${received}`)));
    socket.on("data", (bytes) => {
      received += bytes.toString();
      if (enough.test(received)) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      socket.destroy();
      resolve(received);
    });
  });
}

const down = JSON.stringify({
  incident_id: "checkout",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
});
const post = (headers: string, body: string) =>
  `POST /api/incidents/webhook/ HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n${headers}\r\n${body}`;

describe("over a socket", () => {
  for (const host of ["x", "db", "a:1", "[::1]", "ledger.example.com"]) {
    test(`Host: ${host} is routed`, async () => {
      const { port } = await listening(await createHttpSide());
      const answer = await exchange(
        port,
        post(`Content-Length: ${down.length}\r\n`, down).replace("Host: x", `Host: ${host}`),
        /recorded successfully/,
      );
      expect(answer).toStartWith("HTTP/1.1 200 OK");
    });
  }

  test("an announced body over the limit is a 413 in the contract's shape at once", async () => {
    const { port } = await listening(await createHttpSide());
    const answer = await exchange(port, post("Content-Length: 200000000\r\n", "x"), /\}$/);
    expect(answer).toStartWith("HTTP/1.1 413 ");
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
      success: false,
      error: "Body too large",
      details: "The body may have at most 4096 bytes.",
    });
  });

  test("so is one that comes in chunks, as soon as it is too long; without a key it is a 401", async () => {
    const { port } = await listening(await createHttpSide());
    const chunk = `1000\r\n${"x".repeat(0x1000)}\r\n`;
    const chunked = post("Transfer-Encoding: chunked\r\n", chunk.repeat(2));
    expect(await exchange(port, chunked, /\}$/)).toMatch(/^HTTP\/1.1 413 .*"success":false/s);
    const keyless = chunked.replace(/X-API-Key.*\r\n/, "");
    expect(await exchange(port, keyless, /\}$/)).toMatch(/^HTTP\/1.1 401 .*"success":false/s);
  });

  test("a chunked body is a body", async () => {
    const { port } = await listening(await createHttpSide());
    const half = Math.floor(down.length / 2);
    const chunks = [down.slice(0, half), down.slice(half), ""]
      .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
      .join("");
    const answer = await exchange(
      port,
      post("Transfer-Encoding: chunked\r\n", chunks),
      /recorded successfully/,
    );
    expect(answer).toStartWith("HTTP/1.1 200 OK");
  });

  test("an incident_id in a path arrives exactly", async () => {
    const http = await createHttpSide();
    const { port } = await listening(http);
    for (const encoded of ["a%2Fb", "%25", "%2525", "%00", "a%5Cb", "%252E"]) {
      await exchange(
        port,
        `GET /api/projects/${projectA}/incidents/${encoded} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n\r\n`,
        /\}$/,
      );
    }
    expect(http.asked.map(([, , id]) => id)).toEqual(["a/b", "%", "%25", "\0", "a\\b", "%2E", "."]);
  });

  test("HEAD has no body and the other answers their length", async () => {
    const { port } = await listening(await createHttpSide());
    const answer = await fetch(`http://127.0.0.1:${port}/health/live`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  test("a connection on which nothing moves is closed", async () => {
    const { port } = await listening(await createHttpSide(), 1);
    expect(await exchange(port, post("Content-Length: 100\r\n", "{"))).not.toContain("200 OK");
  });

  test("a replay ends when its reader leaves", async () => {
    const { promise: end, resolve } = Promise.withResolvers<number>();
    const http = await createHttpSide({
      replayProject: async function* () {
        let revision = 0;
        try {
          for (; ; revision++) yield recorded(revision);
        } finally {
          resolve(revision);
        }
      },
    });
    const { port } = await listening(http);
    const aborting = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${port}/api/projects/${projectA}/replay`, {
      headers: { "X-API-Key": adminKey },
      signal: aborting.signal,
    });
    await answer.body?.getReader().read();
    aborting.abort();
    expect(await end).toBeGreaterThan(0);
  });

  test("a replay ends when its reader leaves before the first event was found", async () => {
    let begun: (() => void) | undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const end = Promise.withResolvers<void>();
    let hasEnded = false;
    const searching = {
      next: () => {
        begun?.();
        return end.promise.then(() => ({ done: true as const, value: undefined }));
      },
      return: async () => {
        hasEnded = true;
        end.resolve();
        return { done: true as const, value: undefined };
      },
    };
    const http = await createHttpSide({ replayProject: () => ({ [Symbol.asyncIterator]: () => searching }) });
    const { port } = await listening(http);
    const aborting = new AbortController();
    const answer = fetch(`http://127.0.0.1:${port}/api/projects/${projectA}/replay`, {
      headers: { "X-API-Key": adminKey },
      signal: aborting.signal,
    }).catch(() => undefined);
    await isBegun;
    aborting.abort();
    await Promise.all([answer, end.promise]);
    expect(hasEnded).toBe(true);
  });

  test("a replay of many events comes whole", async () => {
    const many = Array.from({ length: 20_000 }, (_, revision) => recorded(revision));
    const { port } = await listening(await createHttpSide({ replayProject: () => events(many) }));
    const answer = await fetch(`http://127.0.0.1:${port}/api/projects/${projectA}/replay`, {
      headers: { "X-API-Key": adminKey },
    });
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(lines).toHaveLength(20_000);
    expect(JSON.parse(lines.at(-1) ?? "").revision).toBe("19999");
  });
});

describe("a server that stops", () => {
  test("answers what it accepted, then takes nothing more", async () => {
    let go: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begun: (() => void) | undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const http = await createHttpSide({
      dependencies: async () => {
        begun?.();
        await gate;
        return {};
      },
    });
    const server = await listening(http);
    const asking = fetch(`http://127.0.0.1:${server.port}/health/ready`);
    await isBegun;
    const stopping = server.stop(5_000);
    go?.();
    expect((await asking).status).toBe(200);
    await stopping;
    await expect(fetch(`http://127.0.0.1:${server.port}/health/live`)).rejects.toThrow();
  });

  test("waits no longer than it is told to for one that never ends", async () => {
    let begun: (() => void) | undefined;
    const isBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const http = await createHttpSide({
      dependencies: () => {
        begun?.();
        return new Promise(() => {});
      },
    });
    const server = await listening(http);
    const asking = fetch(`http://127.0.0.1:${server.port}/health/ready`).catch(() => "cut off");
    await isBegun;
    await server.stop(50);
    expect(await asking).toBe("cut off");
  });
});
