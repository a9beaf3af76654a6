// What the tests with real senders share: processes of installed programs, and a relay that sees what a sender sends.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { checkedFetch } from "../http/answer-check.ts";

/** Fails, rather than skips, where a program is not installed. */
export function requireProgram(name: string, debianPackage: string): void {
  const found = spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
  if (!found) throw new Error(`${name} is not installed: apt-get install ${debianPackage}`);
}

export interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
}

export function startProgram(command: string, args: readonly string[], cwd: string): Program {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-50_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return { child, output: () => printed };
}

export interface Relayed {
  readonly body: string;
  readonly status: number;
}

export interface Relay {
  readonly port: number;
  readonly relayed: readonly Relayed[];
  /** How many of the next requests are answered 503 without reaching the service. */
  refuse: number;
  readonly stop: () => void;
}

/** Passes each POST on to the service and keeps what was sent and answered, at most 1,000 requests. */
export async function startRelay(serviceUrl: string): Promise<Relay> {
  const relayed: Relayed[] = [];
  const server = createServer((request, response) => {
    void answer(request).then(({ status, text }) => {
      response.writeHead(status, { "Content-Type": "application/json" }).end(text);
    });
  });
  const answer = async (request: IncomingMessage): Promise<{ status: number; text: string }> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (relay.refuse > 0) {
      relay.refuse--;
      relayed.push({ body: body.toString(), status: 503 });
      return { status: 503, text: "{}" };
    }
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(
        ([name, value]) =>
          typeof value === "string" && !["host", "connection", "content-length"].includes(name),
      ),
    ) as Record<string, string>;
    const passed = await checkedFetch(serviceUrl + (request.url ?? "/"), { method: "POST", headers, body });
    if (relayed.length < 1_000) relayed.push({ body: body.toString(), status: passed.status });
    return { status: passed.status, text: await passed.text() };
  };
  const relay: Relay = { port: await listen(server), relayed, refuse: 0, stop: () => server.close() };
  return relay;
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port was given.");
  return address.port;
}
