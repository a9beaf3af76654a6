// Makes and ends a client. Knows the settings every client of this process shares, and nothing of what it is for.
//
// Two hacks reach inside the client. `handleError` is wrapped: the client does not await it, so when no node of a cluster
// answers, its rejection would be unhandled and end the process. `getChannel` is called: `dispose` leaves the connection
// open, which would keep the process alive. When either stops applying, test/eventstore/client-insides.test.ts fails.

import { EventStoreDBClient } from "@eventstore/db-client";
import { readEventStoreUrl } from "./connection-string.ts";
import { type OwnStore, openOwnClient } from "./own-store.ts";
import { takeBytesAtOnce } from "./quick-bytes.ts";
import { settledWithin } from "./within.ts";

/** A URL of somebody's server, or the store that the service runs itself. */
export type StoreAddress = string | OwnStore;

/** A connection on which nothing comes back is given up after the client's 10 s of silence plus this. */
const keepAliveTimeout = 5000;

/**
 * What clients are for. Each has a connection of its own: a follower that pauses (Postgres is down, a slow reader of a
 * replay) holds up everything else on its connection, appends too. The embedded store knows "append" by its name
 * (embedded/write-service.ts): what is restored is to be stored as it was, an id that stands there twice too.
 */
export const purposes = ["append", "registry", "log", "replay", "head", "restore"] as const;
export type Purpose = (typeof purposes)[number];

/** The parts of the client that its types hide: see the top of this file. */
interface Inside {
  handleError: (client: unknown, error: Error) => Promise<void>;
  getChannel: () => Promise<{ close(): void }>;
}

/** Opens no connection before the first call. */
export function openClient(address: StoreAddress, purpose: Purpose): EventStoreDBClient {
  takeBytesAtOnce();
  const connectionName = `incident-ledger-${purpose}`;
  const client =
    typeof address === "string"
      ? clientOf(address, { connectionName, purpose })
      : openOwnClient(address, {
          connectionName,
          keepAliveTimeout: keepAliveTimeout + purposes.indexOf(purpose),
        });
  const inside = client as unknown as Inside;
  const handleError = inside.handleError;
  inside.handleError = (...call) => handleError(...call).catch(() => undefined);
  return client;
}

function clientOf(
  url: string,
  { connectionName, purpose }: { readonly connectionName: string; readonly purpose: Purpose },
): EventStoreDBClient {
  const defaults = { keepAliveTimeout: String(keepAliveTimeout), connectionName };
  const read = readEventStoreUrl(url, defaults);
  if (!read.ok) throw new Error(`Cannot use EVENTSTORE_URL. ${read.problem}.`);
  return EventStoreDBClient.connectionString(ownConnection(read.value.connectionString, purpose));
}

/** gRPC lets clients with equal settings share a connection; a millisecond more of patience makes them unequal. */
const ownConnection = (connectionString: string, purpose: Purpose): string =>
  connectionString.replace(
    /(\bkeepAliveTimeout=)(\d+)/,
    (_, name: string, ms: string) => `${name}${Number(ms) + purposes.indexOf(purpose)}`,
  );

/** Ends the client's streams, then its connection, which would keep the process alive. */
export async function closeClient(client: EventStoreDBClient): Promise<void> {
  await settledWithin(client.dispose(), 400);
  const channel = (client as unknown as Inside).getChannel();
  await settledWithin(
    channel.then((open) => open.close()),
    200,
  );
}
