// The one file that knows which runtime runs the service: Bun, or Deno.

import { setTimeout as pause } from "node:timers/promises";

/** What a running HTTP server gives. */
export interface HttpServer {
  readonly port: number;
  /** Takes no new connection, answers what was accepted, and after `graceMs` closes what is left. */
  readonly stop: (graceMs: number) => Promise<void>;
}

interface DenoServer {
  readonly addr: { readonly port: number };
  shutdown(): Promise<void>;
}

interface DenoRuntime {
  serve(
    options: { hostname: string; port: number; onListen: () => void; signal: AbortSignal },
    handler: (request: Request) => Response | Promise<Response>,
  ): DenoServer;
}

/**
 * Listens and hands every request to `handle`, which bounds how much of a body it reads. A connection on which nothing
 * moves for `idleSeconds` is closed. Throws where the address is taken.
 */
export function serve(options: {
  readonly host: string;
  readonly port: number;
  readonly idleSeconds: number;
  readonly handle: (request: Request) => Promise<Response>;
}): HttpServer {
  const deno = (globalThis as { Deno?: DenoRuntime }).Deno;
  return deno === undefined ? serveOnBun(options) : serveOnDeno(deno, options);
}

type Options = Parameters<typeof serve>[0];

/** How long a stop holds answers back. */
const holdMs = 100;

function serveOnBun({ host, port, idleSeconds, handle }: Options): HttpServer {
  let active = 0;
  let idle: (() => void) | undefined;
  let held: Promise<void> | undefined;
  const server = Bun.serve({
    hostname: host,
    port,
    // The routes bound what they read, and answer in their own words; what they leave unread is not buffered here.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: idleSeconds,
    development: false,
    fetch: async (request) => {
      active++;
      try {
        const response = await handle(request);
        if (held !== undefined) {
          await held;
          response.headers.set("Connection", "close");
        }
        return response;
      } finally {
        active--;
        if (active === 0) idle?.();
      }
    },
  });
  return {
    port: server.port ?? port,
    stop: async (graceMs) => {
      // Once Bun stops, it resets a connection that is between two requests, though the next one may be there unread.
      // So what arrives is worked on but not answered for a moment: then whoever sends again and again waits for an
      // answer, and an answer that is waited for is never cut off.
      const { promise, resolve: release } = Promise.withResolvers<void>();
      held = promise;
      const hold = Math.min(graceMs, holdMs);
      await pause(hold);
      const drained = new Promise<void>((resolve) => {
        idle = resolve;
        if (active === 0) resolve();
      });
      const stopped = server.stop(false);
      release();
      await within(graceMs - hold, drained);
      // Bytes of the last answers may still be on their way to the socket.
      await within(Math.min(graceMs, 200), stopped);
      await server.stop(true);
    },
  };
}

function serveOnDeno(deno: DenoRuntime, { host, port, handle }: Options): HttpServer {
  const abort = new AbortController();
  const server = deno.serve({ hostname: host, port, onListen: () => {}, signal: abort.signal }, handle);
  return {
    port: server.addr.port,
    stop: async (graceMs) => {
      let isShut = false;
      const shut = server.shutdown().then(() => {
        isShut = true;
      });
      await within(graceMs, shut);
      // To abort what has ended is an error that nobody could catch.
      if (!isShut) abort.abort();
    },
  };
}

function within(ms: number, work: Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const bound = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([work, bound]).finally(() => clearTimeout(timer));
}
