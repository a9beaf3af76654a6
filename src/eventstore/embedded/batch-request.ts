// Reads a BatchAppendReq, the message that comes for every webhook, without making the message classes' objects of it.
// Knows the wire, no storage. Fields that it does not know are passed over, as protobuf wants it.

import type { Expected } from "./append-rules.ts";
import type { ProposedEvent } from "./event-file.ts";

export interface BatchRequest {
  /** The UUID message that an answer has to carry, as it came. */
  readonly correlation: Uint8Array;
  /** Only in the first request of an append. */
  readonly options:
    | { readonly stream: string; readonly expected: Expected; readonly deadlineMs: number }
    | undefined;
  /** Undefined in the place of an event that lacks what every event must have. */
  readonly events: readonly (ProposedEvent | undefined)[];
  readonly isFinal: boolean;
}

const [varint, fixed64, lengthDelimited, fixed32] = [0, 1, 2, 5];

/** Throws where the bytes are no such message. */
export function readBatchRequest(message: Uint8Array): BatchRequest {
  let correlation: Uint8Array = new Uint8Array();
  let options: BatchRequest["options"];
  let isFinal = false;
  const events: (ProposedEvent | undefined)[] = [];
  eachField(message, (field, value) => {
    if (field === 1) correlation = bytesOf(value);
    else if (field === 2) options = optionsIn(bytesOf(value));
    else if (field === 3) events.push(eventIn(bytesOf(value)));
    else if (field === 4) isFinal = value !== 0;
  });
  return { correlation, options, events, isFinal };
}

function optionsIn(message: Uint8Array): BatchRequest["options"] {
  let stream = "";
  let expected: Expected = 0;
  let deadlineMs = Number.POSITIVE_INFINITY;
  eachField(message, (field, value) => {
    if (field === 1) stream = textIn(bytesOf(value), 3);
    else if (field === 2) expected = Number(value);
    else if (field === 3) expected = "no_stream";
    else if (field === 4) expected = "any";
    else if (field === 5) expected = "stream_exists";
    else if (field === 6) deadlineMs = millisecondsIn(bytesOf(value));
  });
  return { stream, expected, deadlineMs };
}

function eventIn(message: Uint8Array): ProposedEvent | undefined {
  let id: Uint8Array | undefined;
  let type: string | undefined;
  let contentType: string | undefined;
  let data: Uint8Array = new Uint8Array();
  let metadata: Uint8Array = new Uint8Array();
  eachField(message, (field, value) => {
    if (field === 1) id = uuidIn(bytesOf(value));
    else if (field === 2) {
      const entry = bytesOf(value);
      const name = textIn(entry, 1);
      if (name === "type") type = textIn(entry, 2);
      else if (name === "content-type") contentType = textIn(entry, 2);
    } else if (field === 3) metadata = bytesOf(value);
    else if (field === 4) data = bytesOf(value);
  });
  return id === undefined || type === undefined || contentType === undefined
    ? undefined
    : { id, type, isJson: contentType === "application/json", data, metadata };
}

/** A UUID's sixteen bytes, sent as text or as two halves; undefined where it is neither. */
function uuidIn(message: Uint8Array): Uint8Array | undefined {
  let id: Uint8Array | undefined;
  eachField(message, (field, value) => {
    if (field === 2) {
      const bytes = Buffer.from(textOf(bytesOf(value)).replaceAll("-", ""), "hex");
      id = bytes.length === 16 ? bytes : undefined;
    } else if (field === 1) {
      const halves = Buffer.alloc(16);
      eachField(bytesOf(value), (half, bits) => {
        if (half === 1) halves.writeBigUInt64BE(BigInt.asUintN(64, BigInt(numberOf(bits))), 0);
        else if (half === 2) halves.writeBigUInt64BE(BigInt.asUintN(64, BigInt(numberOf(bits))), 8);
      });
      id = halves;
    }
  });
  return id;
}

function millisecondsIn(timestamp: Uint8Array): number {
  let ms = 0;
  eachField(timestamp, (field, value) => {
    if (field === 1) ms += Number(BigInt.asIntN(64, BigInt(numberOf(value)))) * 1000;
    else if (field === 2) ms += Number(value) / 1_000_000;
  });
  return ms;
}

function textIn(message: Uint8Array, wanted: number): string {
  let text = "";
  eachField(message, (field, value) => {
    if (field === wanted) text = textOf(bytesOf(value));
  });
  return text;
}

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** A number beyond 2^53 comes as a bigint. */
type Value = number | bigint | Uint8Array;

function bytesOf(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("A number stands where bytes are due.");
}

function numberOf(value: Value): number | bigint {
  if (!(value instanceof Uint8Array)) return value;
  throw new Error("Bytes stand where a number is due.");
}

/** The fields in the order in which they came. */
function eachField(message: Uint8Array, take: (field: number, value: Value) => void): void {
  let at = 0;
  const varintHere = (): number | bigint => {
    let value = 0;
    let factor = 1;
    for (let count = 1; count <= 7; count += 1) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("The message ends early.");
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("The message ends early.");
      wide += BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, wide);
    }
    throw new Error("A number of the message has no end.");
  };
  const bytesHere = (length: number): Uint8Array => {
    if (at + length > message.length) throw new Error("The message ends early.");
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = Number(varintHere());
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case varint:
        take(field, varintHere());
        break;
      case lengthDelimited:
        take(field, bytesHere(Number(varintHere())));
        break;
      case fixed64:
        bytesHere(8);
        break;
      case fixed32:
        bytesHere(4);
        break;
      default:
        throw new Error(`A field of the message has the wire type ${key % 8}.`);
    }
  }
}
