// Where the embedded servers of a service on this data directory listen, for those who look behind the service's back.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readAddress } from "../../src/processes/event-store-address.ts";

export function embeddedUrls(dataDir: string): {
  readonly eventstoreUrl: string;
  readonly databaseUrl: string;
} {
  const ports = JSON.parse(readFileSync(join(dataDir, "ports.json"), "utf8")) as {
    postgres: number;
  };
  const eventstoreUrl = readAddress(join(dataDir, "eventstore"));
  if (eventstoreUrl === undefined) throw new Error(`No event store runs on ${dataDir}.`);
  const password = readFileSync(join(dataDir, "postgres/password"), "utf8").trim();
  return {
    eventstoreUrl,
    databaseUrl: `postgres://incident_ledger:${password}@127.0.0.1:${ports.postgres}/incident_ledger`,
  };
}
