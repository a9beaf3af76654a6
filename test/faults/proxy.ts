// A TCP proxy between the service and one of its servers that does what networks do: it delays, swallows what comes back
// and cuts, when told to or by chance. Knows nothing of what passes through.

import { connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface Proxy {
  readonly port: number;
  /** Holds back everything in both directions for so long; 0: no more. */
  readonly delay: (ms: number) => void;
  /** What the server says from now on is lost, while what is said to it still arrives. */
  readonly swallow: (on: { readonly now: boolean }) => void;
  /** Cuts every open connection. */
  readonly cut: () => void;
  /** Bytes of the server's that were swallowed, and connections cut, so far. */
  readonly counts: () => { readonly swallowedBytes: number; readonly cut: number };
  readonly close: () => Promise<void>;
}

export async function startProxy(target: { readonly port: number }): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let delayMs = 0;
  let swallows = false;
  let swallowedBytes = 0;
  let cuts = 0;

  const server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port: target.port });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    pass(client, upstream, () => true);
    pass(upstream, client, (bytes) => {
      if (swallows) swallowedBytes += bytes;
      return !swallows;
    });
  });

  /** In order, each chunk after its delay; nothing is read while one waits, so nothing piles up here. */
  function pass(from: Socket, to: Socket, passes: (bytes: number) => boolean): void {
    from.on("data", (chunk: Buffer) => {
      if (!passes(chunk.length)) return;
      if (delayMs === 0) {
        to.write(chunk);
        return;
      }
      from.pause();
      void pause(delayMs).then(() => {
        if (!to.destroyed) to.write(chunk);
        from.resume();
      });
    });
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  return {
    port: address.port,
    delay: (ms) => {
      delayMs = ms;
    },
    swallow: ({ now }) => {
      swallows = now;
    },
    cut: () => {
      for (const [client, upstream] of pairs) {
        cuts++;
        client.destroy();
        upstream.destroy();
      }
      pairs.clear();
    },
    counts: () => ({ swallowedBytes, cut: cuts }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const pair of pairs) for (const socket of pair) socket.destroy();
      }),
  };
}
