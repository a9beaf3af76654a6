// The embedded event store: one node that speaks EventStoreDB's gRPC protocol over one SQLite file, on loopback.

import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { Server, ServerCredentials, type sendUnaryData, type UntypedHandleCall } from "@grpc/grpc-js";
import { guarded } from "./access.ts";
import type { Damage } from "./event-check.ts";
import { EventFile } from "./event-file.ts";
import { startWriter } from "./group-commit.ts";
import { featuresServiceName, gossipServiceName, services, streamsServiceName } from "./protocol.ts";
import { startReader } from "./read-service.ts";
import { writeService } from "./write-service.ts";

export interface EventStoreServer {
  readonly port: number;
  /** `esdb://...` for any EventStoreDB client; holds the password. */
  readonly connectionString: string;
  /** Answers what it has accepted, then closes the file. */
  readonly stop: () => Promise<void>;
}

/** How long what is recorded may lie in the journal alone. */
const writeBackEveryMs = 60_000;
/** EventStoreDB's: the longest record of its log, less room for what is around an event. */
const maxMessageBytes = 16_777_216 - 10_000;
const mostDamageTold = 10_000;
/** What a server of this protocol version says it is. */
const protocolVersion = "23.10.0";

/**
 * Opens the file (made where it is missing) and listens, on the path of a socket too where one is given; port 0: a free
 * one. Without a password everybody may call; with one, the list of methods and the address are still told to
 * everybody, as EventStoreDB does. `onBroken` is told of a failed flush:
 * from then on nothing is acknowledged, and the process should end. Throws an Error with one plain sentence.
 */
export async function startEventStore(options: {
  readonly file: string;
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly socket?: string;
  readonly onBroken?: (error: Error) => void;
}): Promise<EventStoreServer> {
  const file = new EventFile(options.file, tellOnce());
  const release = (): void => file.release();
  process.once("exit", release);
  const writer = startWriter(file, options.onBroken ?? endAtOnce);
  const reader = startReader(file);
  writer.onFlushed = reader.wake;
  const writingBack = setInterval(() => writer.writeBack(), writeBackEveryMs);
  writingBack.unref();
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_concurrent_streams": 1_000,
    "grpc.http2.min_ping_interval_without_data_ms": 5_000,
  });
  const { password } = options;
  const handlers = { ...writeService(writer), read: reader.read };
  server.addService(
    services.streams,
    password === undefined
      ? (handlers as unknown as Record<string, UntypedHandleCall>)
      : guarded(handlers, password),
  );
  server.addService(services.features, { getSupportedMethods });
  let listening = options.port;
  server.addService(services.gossip, {
    read: (_call: unknown, answer: sendUnaryData<unknown>) =>
      answer(null, oneMember({ host: options.host, port: listening })),
  });
  try {
    listening = await listen(server, `${options.host}:${options.port}`);
    if (options.socket !== undefined) {
      // One that was killed leaves its socket behind.
      rmSync(options.socket, { force: true });
      await listen(server, `unix:${options.socket}`);
    }
  } catch (error) {
    server.forceShutdown();
    file.close();
    throw error;
  }
  const name = password === undefined ? "" : `&connectionName=${encodeURIComponent(password)}`;
  return {
    port: listening,
    connectionString: `esdb://${options.host}:${listening}?tls=false${name}`,
    stop: async () => {
      clearInterval(writingBack);
      const asked = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const bound = new Promise<void>((resolve) => setTimeout(resolve, 300));
      await writer.drained();
      await Promise.race([asked, bound]);
      server.forceShutdown();
      await writer.drained();
      process.off("exit", release);
      file.close();
    },
  };
}

const listen = (server: Server, address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`Cannot listen on ${address}: ${error.message}`));
    });
  });

function endAtOnce(error: Error): never {
  console.error(`The event store could not flush and stops: ${error.message}`);
  process.exit(1);
}

/** Says on stderr what is damaged, each once as long as there is not too much to remember. */
function tellOnce(): (damage: Damage) => void {
  const told = new Set<string>();
  return (damage) => {
    const line = JSON.stringify(damage);
    if (told.has(line) || told.size >= mostDamageTold) return;
    told.add(line);
    console.error(line);
  };
}

function getSupportedMethods(_call: unknown, answer: sendUnaryData<unknown>): void {
  const methods: readonly (readonly [string, string, readonly string[]])[] = [
    [streamsServiceName, "read", ["position", "events"]],
    [streamsServiceName, "append", []],
    [streamsServiceName, "batchappend", ["deadline_duration"]],
    [streamsServiceName, "delete", []],
    [streamsServiceName, "tombstone", []],
    [gossipServiceName, "read", []],
    [featuresServiceName, "getsupportedmethods", []],
  ];
  answer(null, {
    event_store_server_version: protocolVersion,
    methods: methods.map(([service, method_name, features]) => ({
      service_name: service.toLowerCase(),
      method_name,
      features,
    })),
  });
}

const instanceId = randomUUID();
/** A node's state that clients write to. */
const leader = 8;

const oneMember = (at: { readonly host: string; readonly port: number }): object => ({
  members: [
    {
      instance_id: { string: instanceId },
      // Ticks of 100 ns.
      time_stamp: Date.now() * 10_000,
      state: leader,
      is_alive: true,
      http_end_point: { address: at.host, port: at.port },
    },
  ],
});
