// One keep-alive HTTP connection by hand, so that it is certain what was sent, what was answered, and what was cut off:
// a client library may send again on its own. Every answer is held to what the service documents. Knows nothing of
// webhooks.

import { connect, type Socket } from "node:net";
import { checkAnswer } from "../http/answer-check.ts";

export interface HttpAnswer {
  /** 0 where no whole answer came. */
  readonly status: number;
  readonly body: string;
  readonly contentType?: string | undefined;
  /** Only with status 0: nobody took the connection, it was cut after the request was sent, or nothing came in time. */
  readonly failure?: "refused" | "cut" | "late";
}

export interface Connection {
  /** One at a time. Opens the connection where there is none; never sends twice. */
  readonly post: (path: string, key: string, body: string) => Promise<HttpAnswer>;
  readonly close: () => void;
}

export function openConnection(port: number, answerWithinMs = 20_000): Connection {
  let socket: Socket | undefined;

  const open = (): Promise<Socket | undefined> =>
    new Promise((resolve) => {
      const opening = connect({ host: "127.0.0.1", port, noDelay: true });
      opening.once("connect", () => resolve(opening));
      opening.once("error", () => resolve(undefined));
    });

  const exchange = (on: Socket, request: string): Promise<HttpAnswer> =>
    new Promise((resolve) => {
      let received = "";
      const settle = (answer: HttpAnswer, keep: boolean): void => {
        clearTimeout(timer);
        on.removeAllListeners();
        // An error that comes later is nobody's; without a listener it would end the process.
        on.on("error", () => {});
        if (!keep) {
          on.destroy();
          socket = undefined;
        } else {
          on.once("close", () => {
            if (socket === on) socket = undefined;
          });
        }
        resolve(answer);
      };
      const cut = (): void => settle({ status: 0, body: "", failure: "cut" }, false);
      const timer = setTimeout(() => settle({ status: 0, body: "", failure: "late" }, false), answerWithinMs);
      on.removeAllListeners();
      on.on("error", cut);
      on.on("close", cut);
      on.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        const headEnd = received.indexOf("\r\n\r\n");
        if (headEnd < 0) return;
        const head = received.slice(0, headEnd);
        const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        if (received.length < headEnd + 4 + length) return;
        const body = Buffer.from(received.slice(headEnd + 4), "latin1").toString("utf8");
        const contentType = /\r\ncontent-type: *([^\r]+)/i.exec(head)?.[1];
        settle({ status: Number(head.slice(9, 12)), body, contentType }, !/connection: *close/i.test(head));
      });
      on.write(request);
    });

  return {
    post: async (path, key, body) => {
      socket ??= await open();
      if (socket === undefined) return { status: 0, body: "", failure: "refused" };
      const answer = await exchange(
        socket,
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-API-Key: ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      const { status, contentType = null, body: text } = answer;
      if (status !== 0) await checkAnswer({ method: "POST", path, status, contentType, text });
      return answer;
    },
    close: () => {
      socket?.destroy();
      socket = undefined;
    },
  };
}
