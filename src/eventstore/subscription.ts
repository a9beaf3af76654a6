// One catch-up subscription, to a stream or to the whole log, consumed by pull: events, checkpoints and "caught up" in the
// order in which the store sent them.
//
// A hack: goes beneath the client's own subscriptions, which decode every event twice and announce checkpoints ahead of the
// events before them. Uses its connection by two methods that its types hide: GRPCStreamCreator, through which the stream's
// errors reach the client's reconnect, and callArguments (user, connection name). Without them the tests of
// following in test/eventstore/adapter.test.ts fail.

import { createRequire } from "node:module";
import type { EventStoreDBClient } from "@eventstore/db-client";
import type { ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { shared, streams } from "./client-messages.ts";
import { type Pull, pullFrom } from "./pull.ts";
import { decodeReadResponse, type LogMessage } from "./read-response.ts";

/** Behind a revision of one stream, or behind a position of the log; undefined: from the start. */
export type Subscribed =
  | { readonly stream: string; readonly after: bigint | undefined }
  | {
      readonly prefixes: readonly string[];
      readonly after: bigint | undefined;
      /** The store looks at so many events at a time, and tells a checkpoint after so many times. */
      readonly searchWindow: number;
      readonly checkpointEvery: number;
    };

export type Subscribe = (to: Subscribed) => Pull<LogMessage>;

type ReadReq = InstanceType<(typeof streams)["ReadReq"]>;
type ByteStream = ClientReadableStream<Buffer>;

/** The parts of the client, and of its gRPC client, that the types hide. */
interface Inside {
  GRPCStreamCreator: (
    client: unknown,
    name: string,
    create: (grpc: GrpcClient) => ByteStream,
  ) => () => Promise<ByteStream>;
  callArguments: (options: object, callOptions: object) => [metadata: Metadata, options: object];
}
interface GrpcClient {
  makeServerStreamRequest(
    path: string,
    serialize: (request: ReadReq) => Buffer,
    deserialize: (bytes: Buffer) => Buffer,
    request: ReadReq,
    ...call: [metadata: Metadata, options: object]
  ): ByteStream;
}

const { StreamsClient: Streams } = createRequire(import.meta.url)(
  "@eventstore/db-client/generated/streams_grpc_pb.js",
) as { StreamsClient: unknown };
const path = "/event_store.client.streams.Streams/Read";

export function createSubscribe(client: EventStoreDBClient): Subscribe {
  const inside = client as unknown as Inside;
  return (to) => {
    const create = inside.GRPCStreamCreator(Streams, "subscribe", (grpc) =>
      grpc.makeServerStreamRequest(
        path,
        (request) => Buffer.from(request.serializeBinary()),
        (bytes) => bytes,
        requestFor(to),
        ...inside.callArguments({}, { deadline: Number.POSITIVE_INFINITY }),
      ),
    );
    const pull = pullFrom<Buffer>(create(), async (stream) => (stream as ByteStream).cancel());
    return {
      ...pull,
      take: () => {
        const bytes = pull.take();
        return bytes === undefined ? undefined : decodeReadResponse(bytes);
      },
    };
  };
}

function requestFor(to: Subscribed): ReadReq {
  const { Options } = streams.ReadReq;
  const options = new Options();
  if ("stream" in to) {
    options.setStream(streamOptions(to));
    options.setNoFilter(new shared.Empty());
  } else {
    options.setAll(allOptions(to.after));
    options.setFilter(filterOptions(to));
  }
  options.setResolveLinks(false);
  options.setSubscription(new Options.SubscriptionOptions());
  const ids = new Options.UUIDOption();
  ids.setString(new shared.Empty());
  options.setUuidOption(ids);
  const request = new streams.ReadReq();
  request.setOptions(options);
  return request;
}

function streamOptions({ stream, after }: { readonly stream: string; readonly after: bigint | undefined }) {
  const options = new streams.ReadReq.Options.StreamOptions();
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream, "utf8"));
  options.setStreamIdentifier(identifier);
  if (after === undefined) options.setStart(new shared.Empty());
  else options.setRevision(String(after));
  return options;
}

function allOptions(after: bigint | undefined) {
  const options = new streams.ReadReq.Options.AllOptions();
  if (after === undefined || after === 0n) {
    options.setStart(new shared.Empty());
    return options;
  }
  const position = new streams.ReadReq.Options.Position();
  position.setCommitPosition(String(after));
  position.setPreparePosition(String(after));
  options.setPosition(position);
  return options;
}

function filterOptions(to: Extract<Subscribed, { prefixes: unknown }>) {
  const { FilterOptions } = streams.ReadReq.Options;
  const names = new FilterOptions.Expression();
  names.setPrefixList([...to.prefixes]);
  const options = new FilterOptions();
  options.setStreamIdentifier(names);
  options.setMax(to.searchWindow);
  options.setCheckpointintervalmultiplier(to.checkpointEvery);
  return options;
}
