// How the service reaches the event store that it runs itself: over a socket in a directory that only its own user may
// enter, so that nobody else can listen there, with the password of the process that runs now.

import { EventStoreDBClient } from "@eventstore/db-client";
import type { Metadata } from "@grpc/grpc-js";

export interface OwnStore {
  /** The path of a Unix domain socket. */
  readonly socket: string;
  /** Of the process that runs now: each start has another. */
  readonly password: () => string;
}

/** The part of the client that its types hide: what goes with each call. */
interface Inside {
  callArguments: (...call: readonly unknown[]) => [metadata: Metadata, options: unknown];
}

/**
 * A hack: the client sends no password without TLS, so its own way of making a call's metadata is patched to add it.
 * Where that stops applying, the store refuses every call, and test/eventstore/own-store.test.ts fails first.
 */
export function openOwnClient(
  store: OwnStore,
  settings: { readonly connectionName: string; readonly keepAliveTimeout: number },
): EventStoreDBClient {
  const client = new EventStoreDBClient(
    { endpoint: `unix:${store.socket}`, ...settings },
    { insecure: true },
  );
  const inside = client as unknown as Inside;
  const callArguments = inside.callArguments;
  inside.callArguments = (...call) => {
    const made = callArguments(...call);
    const credentials = Buffer.from(`incident-ledger:${store.password()}`).toString("base64");
    made[0].set("authorization", `Basic ${credentials}`);
    return made;
  };
  return client;
}
