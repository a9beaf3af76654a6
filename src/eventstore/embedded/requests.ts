// What clients ask for, read from the protocol's messages into the server's own terms. Knows no storage.

import type { Expected } from "./append-rules.ts";
import type { ProposedEvent } from "./event-file.ts";
import type { Wide } from "./protocol.ts";

type Present = object | null;
/** What is left out reads as an empty array. */
type Bytes = Buffer | readonly never[];
export interface UuidMessage {
  readonly string?: string;
  readonly structured?: {
    readonly most_significant_bits: Wide;
    readonly least_significant_bits: Wide;
  } | null;
}
export interface StreamIdentifierMessage {
  readonly stream_name: Bytes;
}
interface ExpectedMessage {
  readonly stream_identifier: StreamIdentifierMessage | null;
  readonly no_stream: Present;
  readonly any: Present;
  readonly stream_exists: Present;
}
interface ProposedMessage {
  readonly id: UuidMessage | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly custom_metadata: Bytes;
  readonly data: Bytes;
}
export interface AppendReq {
  readonly options: (ExpectedMessage & { readonly revision: Wide }) | null;
  readonly proposed_message: ProposedMessage | null;
}
/** Of Delete and of Tombstone. */
export interface RemoveReq {
  readonly options: (ExpectedMessage & { readonly revision: Wide }) | null;
}
interface Duration {
  readonly seconds: Wide;
  readonly nanos: number;
}
export interface BatchAppendReq {
  readonly correlation_id: UuidMessage | null;
  /** Only in the first message of an append. */
  readonly options:
    | (ExpectedMessage & {
        readonly stream_position: Wide;
        readonly deadline_21_10_0: Duration | null;
        readonly deadline: Duration | null;
      })
    | null;
  readonly proposed_messages: readonly ProposedMessage[];
  readonly is_final: boolean;
}

export interface Target {
  readonly stream: string;
  readonly expected: Expected;
}

export const readTarget = (options: NonNullable<RemoveReq["options"]>): Target => ({
  stream: streamName(options.stream_identifier),
  expected: expectedIn(options, options.revision),
});

/** `deadlineMs`: in ms since 1970; Infinity where the client set none. */
export function readBatchOptions(
  options: NonNullable<BatchAppendReq["options"]>,
  now: number,
): Target & { readonly deadlineMs: number } {
  const { deadline_21_10_0: until, deadline: during } = options;
  return {
    stream: streamName(options.stream_identifier),
    expected: expectedIn(options, options.stream_position),
    deadlineMs:
      until !== null
        ? milliseconds(until)
        : during !== null
          ? now + milliseconds(during)
          : Number.POSITIVE_INFINITY,
  };
}

/** Undefined where the message lacks what every event must have. */
export function readProposed(message: ProposedMessage): ProposedEvent | undefined {
  const id = uuidBytes(message.id);
  const { type, "content-type": contentType } = message.metadata;
  if (id === undefined || type === undefined || contentType === undefined) return undefined;
  return {
    id,
    type,
    isJson: contentType === "application/json",
    data: bytesOf(message.data),
    metadata: bytesOf(message.custom_metadata),
  };
}

/** Equal for equal ids in the same form. */
export const uuidKey = (uuid: UuidMessage | null): string => {
  const halves = uuid?.structured;
  if (halves == null) return uuid?.string ?? "";
  const { most_significant_bits: most, least_significant_bits: least } = halves;
  return `${most.high}.${most.low}.${least.high}.${least.low}`;
};

export const streamName = (identifier: StreamIdentifierMessage | null): string =>
  bytesOf(identifier?.stream_name ?? []).toString();

const noBytes = Buffer.alloc(0);
const bytesOf = (bytes: Bytes): Buffer => (Buffer.isBuffer(bytes) ? bytes : noBytes);

/** The sixteen bytes of an id, sent as text or as two halves; undefined where it is neither. */
function uuidBytes(uuid: UuidMessage | null): Buffer | undefined {
  if (uuid === null) return undefined;
  if (uuid.structured != null) {
    const { most_significant_bits: most, least_significant_bits: least } = uuid.structured;
    const bytes = Buffer.allocUnsafe(16);
    bytes.writeInt32BE(most.high | 0, 0);
    bytes.writeInt32BE(most.low | 0, 4);
    bytes.writeInt32BE(least.high | 0, 8);
    bytes.writeInt32BE(least.low | 0, 12);
    return bytes;
  }
  const bytes = Buffer.from((uuid.string ?? "").replaceAll("-", ""), "hex");
  return bytes.length === 16 ? bytes : undefined;
}

const expectedIn = (options: ExpectedMessage, revision: Wide): Expected =>
  options.any !== null
    ? "any"
    : options.no_stream !== null
      ? "no_stream"
      : options.stream_exists !== null
        ? "stream_exists"
        : revision.toNumber();

const milliseconds = ({ seconds, nanos }: Duration): number => seconds.toNumber() * 1000 + nanos / 1_000_000;
