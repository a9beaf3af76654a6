// Raw bytes over a socket, and what comes back read as HTTP answers: for what no HTTP client would ever send.

import { connect } from "node:net";
import { checkAnswer } from "../http/answer-check.ts";

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Exchange {
  readonly answers: readonly WireAnswer[];
  /** Whether the server ended the connection (or had said that it would). */
  readonly closed: boolean;
}

/** Asks for a path that is not there and for the end: its 404 shows that nothing else was still being answered. */
const lastRequest = "GET /the-end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/**
 * Sends the bytes and collects what comes back until the server closes. Once `answers` have come, it sends a last
 * request of its own, whose 404 is left out of what is returned. A text is sent as Latin-1, a character a byte.
 */
export function exchange(
  port: number,
  sent: string | Buffer,
  options: { readonly answers?: number; readonly withinMs?: number } = {},
): Promise<Exchange> {
  const { answers: expected, withinMs = 15_000 } = options;
  return new Promise((resolve, reject) => {
    let received = "";
    let asked = false;
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(typeof sent === "string" ? Buffer.from(sent, "latin1") : sent),
    );
    const bound = setTimeout(() => {
      socket.destroy();
      reject(new Error(`The connection was still open after ${withinMs} ms; received: ${received}`));
    }, withinMs);
    const finish = (): void => {
      clearTimeout(bound);
      socket.destroy();
      const answers = answersIn(received);
      const isLast = asked && answers.length > (expected ?? 0) && answers.at(-1)?.status === 404;
      resolve({ answers: isLast ? answers.slice(0, -1) : answers, closed: !isLast });
    };
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (asked || expected === undefined || answersIn(received).length < expected) return;
      asked = true;
      socket.write(lastRequest);
    });
    // A reset: what was received before it counts.
    socket.on("error", finish);
    socket.on("close", finish);
  });
}

/** Holds each to what the service documents for this request. They are the service's own, not the runtime's refusals. */
export async function checkWireAnswers(
  request: { readonly method: string; readonly path: string },
  answers: readonly WireAnswer[],
): Promise<void> {
  for (const { status, headers, body } of answers) {
    const contentType = headers["content-type"] ?? null;
    const text = Buffer.from(body, "latin1").toString();
    await checkAnswer({ ...request, status, contentType, text });
  }
}

/** The whole answers that the text begins with. */
export function answersIn(text: string): readonly WireAnswer[] {
  const answers: WireAnswer[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(rest)?.[1];
    if (end < 0 || status === undefined) return answers;
    const headers = Object.fromEntries(
      rest
        .slice(0, end)
        .split("\r\n")
        .slice(1)
        .map((line) => [
          line.slice(0, line.indexOf(":")).toLowerCase(),
          line.slice(line.indexOf(":") + 1).trim(),
        ]),
    );
    const length = Number(headers["content-length"] ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) return answers;
    answers.push({ status: Number(status), headers, body });
    rest = rest.slice(end + 4 + length);
  }
}
