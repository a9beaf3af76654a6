// A hack: patches the setters of the client's BatchAppendReq.ProposedMessage. The client hands them JSON as base64 text,
// which its messages decode in JavaScript, twice for each append; the patch makes it bytes at once. The same goes over
// the wire, for 12 instead of 44 µs of this process's CPU an event of 900 bytes (medians of five). When the patch stops
// applying, test/eventstore/client-insides.test.ts fails, and appends work as before, slower.

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
