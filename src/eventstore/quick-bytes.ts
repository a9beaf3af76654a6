// Spares the client a detour. It hands every event's JSON to its messages as base64, which they decode in JavaScript,
// twice for each append; here that text becomes bytes at once. What goes over the wire is the same.

import { createRequire } from "node:module";

interface Bytes {
  setData(value: Uint8Array | string): unknown;
  setCustomMetadata(value: Uint8Array | string): unknown;
}

let done = false;

/** Once for this process; safe to call again. A client whose messages look different is left as it is. */
export function takeBytesAtOnce(): void {
  if (done) return;
  done = true;
  const require = createRequire(import.meta.url);
  const messages = require("@eventstore/db-client/generated/streams_pb.js") as {
    BatchAppendReq?: { ProposedMessage?: { prototype: Bytes } };
  };
  const proposed = messages.BatchAppendReq?.ProposedMessage?.prototype;
  if (proposed === undefined) return;
  const { setData, setCustomMetadata } = proposed;
  proposed.setData = function (value) {
    return setData.call(this, typeof value === "string" ? Buffer.from(value, "base64") : value);
  };
  proposed.setCustomMetadata = function (value) {
    return setCustomMetadata.call(this, typeof value === "string" ? Buffer.from(value, "base64") : value);
  };
}
