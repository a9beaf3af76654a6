// Ports on loopback that stay the same over restarts, so that open connections find a restarted process again.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

/**
 * The port kept under this name in the file, or a free one where none is kept or somebody else has taken it since.
 * Call it before anything is told the port.
 */
export async function steadyPort(file: string, name: string): Promise<number> {
  const ports = readPorts(file);
  const kept = ports[name];
  if (kept !== undefined && (await isFree(kept))) return kept;
  const port = await freePort();
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...readPorts(file), [name]: port })}\n`, { mode: 0o644 });
  renameSync(`${file}.new`, file);
  return port;
}

/** A port on loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error("Cannot find a free port on 127.0.0.1");
  return port;
}

const isFree = async (port: number): Promise<boolean> => (await listenOnce(port)) !== undefined;

const listenOnce = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });

function readPorts(file: string): Readonly<Record<string, number>> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof parsed !== "object" || parsed === null) return {};
    const ports = Object.entries(parsed).filter(
      (entry): entry is [string, number] => Number.isInteger(entry[1]) && entry[1] > 0 && entry[1] <= 65_535,
    );
    return Object.fromEntries(ports);
  } catch {
    return {};
  }
}
