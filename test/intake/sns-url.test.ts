// Only SNS's own hosts are asked, and whatever they answer ends in bounds.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:http";
import { askSns, type Fetch, isSnsUrl } from "../../src/intake/sns-url.ts";
import { answering, certificateUrl, foreignUrls, serving } from "./signed-by-sns.ts";

describe("a URL of SNS", () => {
  for (const host of [
    "sns.us-east-1.amazonaws.com",
    "sns.eu-north-1.amazonaws.com",
    "sns.ap-southeast-12.amazonaws.com",
    "sns.us-gov-west-1.amazonaws.com",
    "sns.cn-north-1.amazonaws.com.cn",
    "sns.cn-northwest-1.amazonaws.com.cn",
  ]) {
    test(`is one at ${host}`, () => {
      expect(isSnsUrl(`https://${host}/x.pem`)).toBe(true);
    });
  }

  for (const url of foreignUrls) {
    test(`is not ${JSON.stringify(url.slice(0, 80))}, and nobody is asked`, async () => {
      expect(isSnsUrl(url)).toBe(false);
      const amazon = serving("x");
      expect((await askSns(amazon.fetch, url)).tag).toBe("refused");
      expect(amazon.asked).toEqual([]);
    });
  }
});

describe("asking SNS", () => {
  test("answers what a 200 holds, asked once with a deadline", async () => {
    const amazon = serving("grüße");
    expect(await askSns(amazon.fetch, certificateUrl)).toEqual({ tag: "answered", text: "grüße" });
    expect(amazon.asked).toEqual([
      { url: certificateUrl, redirect: "error", signal: expect.any(AbortSignal) },
    ]);
  });

  test("tells a no from a failure that may pass", async () => {
    for (const [status, tag] of [
      [400, "refused"],
      [403, "refused"],
      [404, "refused"],
      [408, "unavailable"],
      [429, "unavailable"],
      [500, "unavailable"],
      [503, "unavailable"],
      [302, "unavailable"],
      [206, "unavailable"],
    ] as const) {
      expect(await askSns(serving("x", status).fetch, certificateUrl)).toEqual({
        tag,
        reason: `it answered ${status}`,
      });
    }
    const failing = answering(() => Promise.reject(new Error("no network")));
    expect((await askSns(failing.fetch, certificateUrl)).tag).toBe("unavailable");
  });

  test("takes 64 KiB and not a byte more", async () => {
    const most = "x".repeat(65_536);
    expect(await askSns(serving(most).fetch, certificateUrl)).toEqual({ tag: "answered", text: most });
    expect((await askSns(serving(`${most}x`).fetch, certificateUrl)).tag).toBe("refused");
  });

  test("ends a body that never ends", async () => {
    let ended = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
      cancel: () => {
        ended = true;
      },
    });
    const amazon = answering(() => new Response(endless));
    expect((await askSns(amazon.fetch, certificateUrl)).tag).toBe("refused");
    expect(ended).toBe(true);
  });

  test("ends a body that breaks off", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("reset")),
    });
    const amazon = answering(() => new Response(broken));
    expect((await askSns(amazon.fetch, certificateUrl)).tag).toBe("unavailable");
  });
});

describe("over a real socket", () => {
  const paths: string[] = [];
  let server: Server;
  let fetchFromServer: Fetch;

  beforeAll(async () => {
    server = createServer((request, response) => {
      paths.push(request.url ?? "");
      response.writeHead(302, { location: "/inside" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("The server has no port");
    fetchFromServer = (_, init) => fetch(`http://127.0.0.1:${address.port}/outside`, init);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("a redirect is not followed", async () => {
    expect((await askSns(fetchFromServer, certificateUrl)).tag).toBe("unavailable");
    expect(paths).toEqual(["/outside"]);
  });
});
