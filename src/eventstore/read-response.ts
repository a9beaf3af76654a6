// Decodes one ReadResp of EventStoreDB's protocol (streams.proto) from its bytes: events, checkpoints and
// announcements of a subscription. The client's own classes decode every event twice. Passes over fields and messages that
// are not named here, as the protocol asks.

import type { Resolved } from "./recorded-event.ts";

export type LogMessage =
  | { readonly tag: "event"; readonly resolved: Resolved }
  /** Everything up to this commit position has been looked at. */
  | { readonly tag: "checkpoint"; readonly position: bigint }
  | { readonly tag: "caught_up" }
  | { readonly tag: "confirmed" }
  | { readonly tag: "other" };

/** Throws where the bytes end early or are no message of protobuf. */
export function decodeReadResponse(bytes: Buffer): LogMessage {
  const fields = new Fields(bytes, 0, bytes.length);
  let message: LogMessage = { tag: "other" };
  while (fields.next()) {
    if (fields.number === 1) message = { tag: "event", resolved: resolvedIn(fields.message()) };
    else if (fields.number === 2) message = { tag: "confirmed" };
    else if (fields.number === 3) message = { tag: "checkpoint", position: commitIn(fields.message()) };
    else if (fields.number === 8) message = { tag: "caught_up" };
  }
  return message;
}

/** ReadEvent. */
function resolvedIn(fields: Fields): Resolved {
  let event: Resolved["event"];
  let commitPosition: bigint | undefined;
  while (fields.next()) {
    if (fields.number === 1) event = recordedIn(fields.message());
    else if (fields.number === 3) commitPosition = fields.uint64();
  }
  return { event, commitPosition };
}

/** RecordedEvent. */
function recordedIn(fields: Fields): NonNullable<Resolved["event"]> {
  let id = "";
  let streamId = "";
  let revision = 0n;
  let commit: bigint | undefined;
  let type = "";
  let contentType = "";
  let created = "0";
  let metadata: Buffer | undefined;
  let data: Buffer | undefined;
  while (fields.next()) {
    switch (fields.number) {
      case 1:
        id = uuidIn(fields.message());
        break;
      case 2:
        streamId = streamNameIn(fields.message());
        break;
      case 3:
        revision = fields.uint64();
        break;
      case 5:
        commit = fields.uint64();
        break;
      case 6: {
        const [name, value] = entryIn(fields.message());
        if (name === "type") type = value;
        else if (name === "content-type") contentType = value;
        else if (name === "created") created = value;
        break;
      }
      case 7:
        metadata = fields.bytes();
        break;
      case 8:
        data = fields.bytes();
        break;
    }
  }
  return {
    id,
    type,
    streamId,
    revision,
    created: new Date(Math.floor(Number(created) / ticksPerMs)),
    data: dataIn(data ?? nothing, contentType),
    metadata: metadata === undefined || metadata.length === 0 ? undefined : metadataIn(metadata),
    position: commit === undefined ? undefined : { commit },
  };
}

/** The server tells when an event was recorded in units of 100 ns since 1970. */
const ticksPerMs = 10_000;
const nothing = Buffer.alloc(0);

/** JSON that cannot be read stays text, and other content stays bytes, as the client hands them out. */
function dataIn(bytes: Buffer, contentType: string): unknown {
  // A view into the frame would keep all of the frame.
  if (contentType !== "application/json") return Uint8Array.from(bytes);
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function metadataIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** UUID: as text, or as two halves. */
function uuidIn(fields: Fields): string {
  let text = "";
  while (fields.next()) {
    if (fields.number === 1) text = halvesIn(fields.message());
    else if (fields.number === 2) text = fields.text();
  }
  return text;
}

function halvesIn(fields: Fields): string {
  const bytes = Buffer.alloc(16);
  while (fields.next()) {
    if (fields.number === 1) bytes.writeBigUInt64BE(fields.uint64(), 0);
    else if (fields.number === 2) bytes.writeBigUInt64BE(fields.uint64(), 8);
  }
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** StreamIdentifier. */
function streamNameIn(fields: Fields): string {
  let name = "";
  while (fields.next()) if (fields.number === 3) name = fields.text();
  return name;
}

/** Checkpoint. */
function commitIn(fields: Fields): bigint {
  let commit = 0n;
  while (fields.next()) if (fields.number === 1) commit = fields.uint64();
  return commit;
}

/** One entry of a map from text to text. */
function entryIn(fields: Fields): readonly [name: string, value: string] {
  let name = "";
  let value = "";
  while (fields.next()) {
    if (fields.number === 1) name = fields.text();
    else if (fields.number === 2) value = fields.text();
  }
  return [name, value];
}

/** The fields of one message, one after the other. `number` is that of the field, whose value may be left unread. */
class Fields {
  number = 0;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wire = 0;
  /** Whether the field's value still lies ahead. */
  #unread = false;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Goes to the next field; false behind the last one. */
  next(): boolean {
    if (this.#unread) this.#skip();
    if (this.#at >= this.#end) return false;
    const key = this.#varint();
    this.number = Math.floor(key / 8);
    this.#wire = key % 8;
    this.#unread = true;
    return true;
  }

  message(): Fields {
    const length = this.#length();
    this.#at += length;
    return new Fields(this.#bytes, this.#at - length, this.#at);
  }

  /** A view into the message. */
  bytes(): Buffer {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }

  uint64(): bigint {
    if (this.#wire !== 0) throw broken();
    this.#unread = false;
    const from = this.#at;
    const small = this.#varint();
    if (this.#at - from <= 7) return BigInt(small);
    let value = 0n;
    for (let at = this.#at - 1; at >= from; at -= 1) {
      value = (value << 7n) | BigInt((this.#bytes[at] ?? 0) & 0x7f);
    }
    return BigInt.asUintN(64, value);
  }

  #length(): number {
    if (this.#wire !== 2) throw broken();
    this.#unread = false;
    const length = this.#varint();
    if (length > this.#end - this.#at) throw broken();
    return length;
  }

  #skip(): void {
    this.#unread = false;
    if (this.#wire === 0) this.#varint();
    else this.#pass(this.#wire === 2 ? this.#varint() : fixedBytes[this.#wire]);
  }

  #pass(length: number | undefined): void {
    if (length === undefined) throw broken();
    this.#at += length;
    if (this.#at > this.#end) throw broken();
  }

  /** Exact below 2^53. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= this.#end) throw broken();
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw broken();
  }
}

/** Of a value by its wire type, where that has one length. */
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

const broken = (): Error => new Error("Cannot read the event store's message: it is broken off or malformed");
