// The message classes that ship with EventStoreDB's client, for calls over its own connection. Knows no call.

import { createRequire } from "node:module";

// CommonJS modules that fill their exports at run time: only require finds the names in every runtime.
const require = createRequire(import.meta.url);
export const streams =
  require("@eventstore/db-client/generated/streams_pb.js") as typeof import("@eventstore/db-client/generated/streams_pb.js");
export const shared =
  require("@eventstore/db-client/generated/shared_pb.js") as typeof import("@eventstore/db-client/generated/shared_pb.js");
export const { Empty: ProtobufEmpty } =
  require("google-protobuf/google/protobuf/empty_pb.js") as typeof import("google-protobuf/google/protobuf/empty_pb.js");

type Uuid = import("@eventstore/db-client/generated/shared_pb.js").UUID;

/** The sixteen bytes of an id, sent as text or as two halves; undefined where it is neither. */
export function uuidBytes(uuid: Uuid | undefined): Buffer | undefined {
  const halves = uuid?.getStructured();
  if (halves !== undefined) {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(halves.getMostSignificantBits())), 0);
    bytes.writeBigInt64BE(BigInt.asIntN(64, BigInt(halves.getLeastSignificantBits())), 8);
    return bytes;
  }
  const bytes = Buffer.from((uuid?.getString() ?? "").replaceAll("-", ""), "hex");
  return bytes.length === 16 ? bytes : undefined;
}
