// The services and messages of EventStoreDB's protocol that this server takes part in, as the `.proto` files beside it
// define them. Knows no storage.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const directory = join(import.meta.dirname, "protocol");
const root = new protobuf.Root();
root.loadSync(
  readdirSync(directory)
    .filter((name) => name.endsWith(".proto"))
    .map((name) => join(directory, name)),
  { keepCase: true },
);
root.resolveAll();

/** A 64-bit number as protobufjs reads it. */
export interface Wide {
  readonly low: number;
  readonly high: number;
  toNumber(): number;
}

/** The bytes of a message of this type. A field that is present is written, also where it is 0. */
export function encoded(type: string, message: object): Uint8Array {
  return root.lookupType(type).encode(message).finish();
}

export const streamsServiceName = "event_store.client.streams.Streams";
export const featuresServiceName = "event_store.client.server_features.ServerFeatures";
export const gossipServiceName = "event_store.client.gossip.Gossip";

export const services = {
  streams: serviceNamed(streamsServiceName),
  features: serviceNamed(featuresServiceName),
  gossip: serviceNamed(gossipServiceName),
};

function serviceNamed(name: string): ServiceDefinition {
  const methods = root.lookupService(name).methodsArray.map((method) => {
    const { resolvedRequestType: request, resolvedResponseType: response } = method;
    if (request === null || response === null) throw new Error(`${name} lacks a message of ${method.name}.`);
    const definition: MethodDefinition<object, object> = {
      path: `/${name}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestSerialize: (message) => bufferOf(request, message),
      requestDeserialize: (bytes) => request.decode(bytes),
      // What event-encoder.ts wrote is bytes already.
      responseSerialize: (message) => (Buffer.isBuffer(message) ? message : bufferOf(response, message)),
      responseDeserialize: (bytes) => response.decode(bytes),
    };
    return [method.name[0]?.toLowerCase() + method.name.slice(1), definition] as const;
  });
  return Object.fromEntries(methods);
}

/** protobufjs writes into Buffers wherever there are any. */
const bufferOf = (type: protobuf.Type, message: object): Buffer => type.encode(message).finish() as Buffer;
