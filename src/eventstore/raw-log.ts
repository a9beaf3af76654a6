// The whole log as bytes, for copies of it: read in its order and appended again, nothing parsed and nothing made anew.
// Goes beneath the client's own reads and appends, which hand out and take parsed JSON; uses its connection and settings
// by two methods that its types hide, getGRPCClient and callArguments: test/backup/backup.test.ts fails without them.

import { createRequire } from "node:module";
import type { EventStoreDBClient } from "@eventstore/db-client";
import type { ClientDuplexStream, ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { ProtobufEmpty, shared, streams, uuidBytes } from "./client-messages.ts";
import { closeClient, openClient, type StoreAddress } from "./open-client.ts";
import { readHead } from "./read.ts";

type Messages = typeof import("@eventstore/db-client/generated/streams_pb.js");
type ReadResp = InstanceType<Messages["ReadResp"]>;
type BatchAppendReq = InstanceType<Messages["BatchAppendReq"]>;
type BatchAppendResp = InstanceType<Messages["BatchAppendResp"]>;

export interface RawEvent {
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  /** When it was recorded: units of 100 ns since 1970. */
  readonly created: bigint;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export type RawAppend =
  | { readonly tag: "appended" }
  /** The stream holds other events there. */
  | { readonly tag: "conflict" }
  | { readonly tag: "unavailable"; readonly reason: string };

export interface RawLog {
  /** Commit position of the newest event; undefined where there is none. Throws EventLogUnavailable. */
  readonly head: () => Promise<bigint | undefined>;
  /** The events from a position on (inclusive), system events too, to the end that the log has then. Throws where it breaks off. */
  readonly read: (from: bigint) => AsyncGenerator<RawEvent, void, undefined>;
  /** Behind the stream's event of this revision (-1: a new stream). With the same ids again it changes nothing. */
  readonly append: (
    stream: string,
    behind: bigint,
    events: readonly Pick<RawEvent, "id" | "type" | "isJson" | "data" | "metadata">[],
  ) => Promise<RawAppend>;
  readonly close: () => Promise<void>;
}

interface StreamsClient {
  read(request: unknown, ...call: CallArguments): ClientReadableStream<ReadResp>;
  batchAppend(...call: CallArguments): ClientDuplexStream<BatchAppendReq, BatchAppendResp>;
}
type CallArguments = [metadata: Metadata, options: object];

/** The parts of the client that its types hide. */
interface Inside {
  getGRPCClient: (client: unknown, name: string) => Promise<StreamsClient>;
  callArguments: (options: object, callOptions: object) => CallArguments;
}

const { StreamsClient: Streams } = createRequire(import.meta.url)(
  "@eventstore/db-client/generated/streams_grpc_pb.js",
) as { StreamsClient: unknown };
const headTimeoutMs = 5_000;
const appendTimeoutMs = 30_000;

export function openRawLog(address: StoreAddress): RawLog {
  const reading = openClient(address, "replay");
  const writing = openClient(address, "restore");
  let appends: Promise<Appends> | undefined;
  return {
    head: () => readHead(reading, { timeoutMs: headTimeoutMs }),
    read: (from) => readFrom(reading, from),
    append: async (stream, behind, events) => {
      appends ??= openAppends(writing);
      const outcome = await (await appends)(stream, behind, events);
      // The call behind it is over; the next append opens another.
      if (outcome.tag === "unavailable") appends = undefined;
      return outcome;
    },
    close: async () => {
      await Promise.all([closeClient(reading), closeClient(writing)]);
    },
  };
}

async function* readFrom(
  client: EventStoreDBClient,
  from: bigint,
): AsyncGenerator<RawEvent, void, undefined> {
  const inside = client as unknown as Inside;
  const grpc = await inside.getGRPCClient(Streams, "read");
  const call = grpc.read(
    readRequest(from),
    ...inside.callArguments({}, { deadline: Number.POSITIVE_INFINITY }),
  );
  try {
    for await (const response of call) {
      const event = rawEvent(response as ReadResp);
      if (event !== undefined) yield event;
    }
  } finally {
    // What is left early stays open on the server otherwise, and its error would be nobody's.
    call.on("error", () => {});
    call.cancel();
  }
}

function readRequest(from: bigint) {
  const all = new streams.ReadReq.Options.AllOptions();
  const position = new streams.ReadReq.Options.Position();
  position.setCommitPosition(String(from));
  position.setPreparePosition(String(from));
  if (from === 0n) all.setStart(new shared.Empty());
  else all.setPosition(position);
  const uuid = new streams.ReadReq.Options.UUIDOption();
  uuid.setString(new shared.Empty());
  const options = new streams.ReadReq.Options();
  options.setAll(all);
  options.setReadDirection(0);
  options.setResolveLinks(false);
  options.setCount(String(Number.MAX_SAFE_INTEGER));
  options.setUuidOption(uuid);
  options.setNoFilter(new shared.Empty());
  const request = new streams.ReadReq();
  request.setOptions(options);
  return request;
}

function rawEvent(response: ReadResp): RawEvent | undefined {
  const read = response.getEvent();
  const event = read?.getEvent();
  const id = uuidBytes(event?.getId())?.toString("hex");
  if (read === undefined || event === undefined || id === undefined) return undefined;
  const settings = event.getMetadataMap();
  return {
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
    type: settings.get("type") ?? "",
    isJson: settings.get("content-type") === "application/json",
    stream: Buffer.from(event.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
    revision: BigInt(event.getStreamRevision()),
    position: BigInt(read.getCommitPosition()),
    created: BigInt(settings.get("created") ?? "0"),
    data: event.getData_asU8(),
    metadata: event.getCustomMetadata_asU8(),
  };
}

type Appends = RawLog["append"];

/** One call for all appends, which the server answers as it comes to them. */
async function openAppends(client: EventStoreDBClient): Promise<Appends> {
  const inside = client as unknown as Inside;
  const grpc = await inside.getGRPCClient(Streams, "append");
  const call = grpc.batchAppend(...inside.callArguments({}, { deadline: Number.POSITIVE_INFINITY }));
  const waiting = new Map<string, (outcome: RawAppend) => void>();
  let broken: string | undefined;
  const end = (reason: string): void => {
    broken ??= reason;
    for (const resolve of waiting.values()) resolve({ tag: "unavailable", reason });
    waiting.clear();
  };
  call.on("data", (response: BatchAppendResp) => {
    const key = uuidBytes(response.getCorrelationId())?.toString("hex") ?? "";
    waiting.get(key)?.(outcomeOf(response));
    waiting.delete(key);
  });
  call.on("error", (error: Error) => end(error.message));
  call.on("end", () => end("the server ended it"));

  return (stream, behind, events) =>
    new Promise((resolve) => {
      if (broken !== undefined) return resolve({ tag: "unavailable", reason: broken });
      const correlation = crypto.randomUUID();
      const key = correlation.replaceAll("-", "");
      const late = setTimeout(() => end(`no answer within ${appendTimeoutMs} ms`), appendTimeoutMs);
      waiting.set(key, (outcome) => {
        clearTimeout(late);
        resolve(outcome);
      });
      call.write(appendRequest({ correlation, stream, behind, events }));
    });
}

function outcomeOf(response: BatchAppendResp): RawAppend {
  const error = response.getError();
  if (error === undefined) return { tag: "appended" };
  // ALREADY_EXISTS and NOT_FOUND: another revision, or deleted for ever.
  const code = Number(error.getCode());
  return code === 6 || code === 5
    ? { tag: "conflict" }
    : { tag: "unavailable", reason: error.getMessage() || `status ${code}` };
}

function appendRequest(append: {
  readonly correlation: string;
  readonly stream: string;
  readonly behind: bigint;
  readonly events: Parameters<RawLog["append"]>[2];
}): BatchAppendReq {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(append.stream, "utf8"));
  const options = new streams.BatchAppendReq.Options();
  options.setStreamIdentifier(identifier);
  if (append.behind < 0n) options.setNoStream(new ProtobufEmpty());
  else options.setStreamPosition(String(append.behind));
  const request = new streams.BatchAppendReq();
  request.setCorrelationId(uuidOf(append.correlation));
  request.setOptions(options);
  request.setIsFinal(true);
  for (const event of append.events) {
    const message = new streams.BatchAppendReq.ProposedMessage();
    message.setId(uuidOf(event.id));
    message.getMetadataMap().set("type", event.type);
    message
      .getMetadataMap()
      .set("content-type", event.isJson ? "application/json" : "application/octet-stream");
    message.setData(event.data);
    message.setCustomMetadata(event.metadata);
    request.addProposedMessages(message);
  }
  return request;
}

function uuidOf(text: string) {
  const uuid = new shared.UUID();
  uuid.setString(text);
  return uuid;
}
