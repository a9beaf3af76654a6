// The message classes that ship with the client, and how ids, names and failures look in them. Knows no storage.

import { createRequire } from "node:module";
import type { ServiceDefinition, ServiceError } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import { readBatchRequest } from "./batch-request.ts";

// CommonJS modules that fill their exports at run time: only require finds the names in every runtime.
const require = createRequire(import.meta.url);
export const streams =
  require("@eventstore/db-client/generated/streams_pb.js") as typeof import("@eventstore/db-client/generated/streams_pb.js");
export const shared =
  require("@eventstore/db-client/generated/shared_pb.js") as typeof import("@eventstore/db-client/generated/shared_pb.js");
export const statuses =
  require("@eventstore/db-client/generated/status_pb.js") as typeof import("@eventstore/db-client/generated/status_pb.js");
export const features =
  require("@eventstore/db-client/generated/serverfeatures_pb.js") as typeof import("@eventstore/db-client/generated/serverfeatures_pb.js");
export const gossip =
  require("@eventstore/db-client/generated/gossip_pb.js") as typeof import("@eventstore/db-client/generated/gossip_pb.js");
const streamsService: ServiceDefinition =
  require("@eventstore/db-client/generated/streams_grpc_pb.js").StreamsService;

interface Message {
  serializeBinary(): Uint8Array;
}

/** What is written for every webhook comes as bytes already. */
const serialize = (message: Message | Buffer): Buffer =>
  Buffer.isBuffer(message) ? message : Buffer.from(message.serializeBinary());

export const services = {
  streams: {
    ...streamsService,
    read: { ...streamsService.read, responseSerialize: serialize },
    batchAppend: {
      ...streamsService.batchAppend,
      requestDeserialize: readBatchRequest,
      responseSerialize: serialize,
    },
  } as ServiceDefinition,
  features: require("@eventstore/db-client/generated/serverfeatures_grpc_pb.js")
    .ServerFeaturesService as ServiceDefinition,
  gossip: require("@eventstore/db-client/generated/gossip_grpc_pb.js").GossipService as ServiceDefinition,
};
export const { Any } =
  require("google-protobuf/google/protobuf/any_pb.js") as typeof import("google-protobuf/google/protobuf/any_pb.js");
export const { Empty: ProtobufEmpty } =
  require("google-protobuf/google/protobuf/empty_pb.js") as typeof import("google-protobuf/google/protobuf/empty_pb.js");

type Uuid = import("@eventstore/db-client/generated/shared_pb.js").UUID;
type StreamIdentifier = import("@eventstore/db-client/generated/shared_pb.js").StreamIdentifier;

/** The sixteen bytes of an id, sent as text or as two halves; undefined where it is neither. */
export function uuidBytes(uuid: Uuid | undefined): Buffer | undefined {
  if (uuid === undefined) return undefined;
  const halves = uuid.getStructured();
  if (halves !== undefined) {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(halves.getMostSignificantBits())), 0);
    bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(halves.getLeastSignificantBits())), 8);
    return bytes;
  }
  const bytes = Buffer.from(uuid.getString().replaceAll("-", ""), "hex");
  return bytes.length === 16 ? bytes : undefined;
}

export const streamName = (identifier: StreamIdentifier | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString("utf8");

export function streamIdentifier(name: string): StreamIdentifier {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(name, "utf8"));
  return identifier;
}

/** A failure as gRPC carries it: a status, a sentence, and trailers that the client turns into an error class. */
export function failure(
  code: status,
  details: string,
  trailers: Readonly<Record<string, string>> = {},
): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

/** Trailers are ASCII: whatever is not is percent-encoded. */
export const asciiTrailer = (text: string): string =>
  text.replace(/[^\x20-\x7e]+/g, (run) => encodeURIComponent(run.toWellFormed()));

export const invalidArgument = (details: string): ServiceError => failure(status.INVALID_ARGUMENT, details);

export const streamDeleted = (stream: string): ServiceError =>
  failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: "stream-deleted",
    "stream-name": asciiTrailer(stream),
  });
