// Append, BatchAppend, Delete and Tombstone as the client calls them. Knows the wire and the writer, no storage.

import {
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { Expected } from "./append-rules.ts";
import type { BatchRequest } from "./batch-request.ts";
import { type ProposedEvent, sizeOf } from "./event-file.ts";
import { maxAppendBytes, type Write, type Writer, type Written } from "./group-commit.ts";
import { appendedBytes } from "./quick-messages.ts";
import {
  Any,
  asciiTrailer,
  failure,
  invalidArgument,
  ProtobufEmpty,
  shared,
  statuses,
  streamDeleted,
  streamIdentifier,
  streamName,
  streams,
  uuidBytes,
} from "./wire.ts";

type Messages = typeof import("@eventstore/db-client/generated/streams_pb.js");
type AppendReq = InstanceType<Messages["AppendReq"]>;
type AppendResp = InstanceType<Messages["AppendResp"]>;
type BatchAppendResp = InstanceType<Messages["BatchAppendResp"]>;
type DeleteReq = InstanceType<Messages["DeleteReq"]>;
type TombstoneReq = InstanceType<Messages["TombstoneReq"]>;
type ProposedMessage = InstanceType<Messages["AppendReq"]["ProposedMessage"]>;

/** The most appends of one BatchAppend call whose parts are still coming in. */
const mostUnfinished = 10_000;

interface UnfinishedAppend {
  readonly stream: string;
  readonly expected: Expected;
  readonly deadlineMs: number;
  readonly events: ProposedEvent[];
  bytes: number;
  broken: boolean;
}

export function writeService(writer: Writer) {
  return {
    append: (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): void => {
      let options: { stream: string; expected: Expected } | undefined;
      const events: ProposedEvent[] = [];
      let bytes = 0;
      let failed = false;
      const refuse = (error: Error): void => {
        failed = true;
        answer(error);
      };
      call.on("data", (request: AppendReq) => {
        if (failed) return;
        const said = request.getOptions();
        if (said !== undefined) {
          options = { stream: streamName(said.getStreamIdentifier()), expected: expectedOf(said) };
          return;
        }
        const event = proposed(request.getProposedMessage());
        if (event === undefined) return refuse(missingProperty());
        bytes += event.data.length + event.metadata.length;
        if (bytes > maxAppendBytes) return refuse(tooLarge());
        events.push(event);
      });
      call.on("error", () => {
        failed = true;
      });
      call.on("end", () => {
        if (failed) return;
        if (options === undefined) return refuse(invalidArgument("The first message must hold the options."));
        const { stream, expected } = options;
        void writer
          .write({ tag: "append", stream, expected, events, looksFor: "first_id" })
          .then((written) => {
            switch (written.tag) {
              case "written":
                return answer(null, appended(written));
              case "wrong_version":
                return answer(null, notAppended(written, expected));
              case "deleted":
                return answer(streamDeleted(stream));
              case "too_large":
                return answer(tooLarge());
              case "busy":
                return answer(busy());
              default:
                return written satisfies never;
            }
          });
      });
    },

    batchAppend: (call: ServerDuplexStream<BatchRequest, BatchAppendResp | Buffer>): void => {
      const unfinished = new Map<string, UnfinishedAppend>();
      const looksFor = isLedger(call) ? "each_id" : "first_id";
      let pending = 0;
      let ended = false;
      const endWhenDone = (): void => {
        if (ended && pending === 0) call.end();
      };
      call.on("data", ({ correlation, options, events, isFinal }: BatchRequest) => {
        const key = Buffer.from(correlation).toString("latin1");
        if (options !== undefined && unfinished.size < mostUnfinished) {
          unfinished.set(key, { ...options, events: [], bytes: 0, broken: false });
        }
        const part = unfinished.get(key);
        if (part === undefined) return;
        for (const event of events) {
          if (event === undefined) part.broken = true;
          else part.bytes += sizeOf(event);
          // What is too large anyway is not collected any further.
          if (event !== undefined && part.bytes <= maxAppendBytes) part.events.push(event);
        }
        if (!isFinal) return;
        unfinished.delete(key);
        const { stream } = part;
        const send = (answer: BatchAppendResp | Buffer): void => {
          if (!call.cancelled && !call.destroyed) call.write(answer);
        };
        const reply = (fill: (answer: BatchAppendResp) => void): void => {
          const answer = new streams.BatchAppendResp();
          answer.setCorrelationId(shared.UUID.deserializeBinary(correlation));
          answer.setStreamIdentifier(streamIdentifier(stream));
          fill(answer);
          send(answer);
        };
        if (part.broken) {
          return reply((answer) =>
            answer.setError(batchError(3, "type and content-type are required", badRequest())),
          );
        }
        if (part.bytes > maxAppendBytes) {
          return reply((answer) => fillBatchAnswer(answer, { tag: "too_large" }, part));
        }
        if (part.deadlineMs <= Date.now()) {
          return reply((answer) => answer.setError(batchError(4, "Timeout", timeout())));
        }
        pending++;
        void writer
          .write({
            tag: "append",
            stream: part.stream,
            expected: part.expected,
            events: part.events,
            looksFor,
          })
          .then((written) => {
            if (written.tag === "written") send(appendedBytes({ ...written, correlation, stream }));
            else reply((answer) => fillBatchAnswer(answer, written, part));
            pending--;
            endWhenDone();
          });
      });
      call.on("end", () => {
        ended = true;
        endWhenDone();
      });
      call.on("error", () => unfinished.clear());
      call.on("cancelled", () => unfinished.clear());
    },

    delete: (call: ServerUnaryCall<DeleteReq, unknown>, answer: sendUnaryData<unknown>): void =>
      remove(writer, "delete", call, answer),
    tombstone: (call: ServerUnaryCall<TombstoneReq, unknown>, answer: sendUnaryData<unknown>): void =>
      remove(writer, "tombstone", call, answer),
  };
}

function remove(
  writer: Writer,
  tag: "delete" | "tombstone",
  call: ServerUnaryCall<DeleteReq | TombstoneReq, unknown>,
  answer: sendUnaryData<unknown>,
): void {
  const options = call.request.getOptions();
  if (options === undefined) {
    answer(invalidArgument("The options are missing."));
    return;
  }
  const stream = streamName(options.getStreamIdentifier());
  const expected = expectedOf(options);
  const write: Write = { tag, stream, expected };
  void writer.write(write).then((written) => {
    switch (written.tag) {
      case "written": {
        const Response = tag === "delete" ? streams.DeleteResp : streams.TombstoneResp;
        const position = new Response.Position();
        position.setCommitPosition(String(written.position));
        position.setPreparePosition(String(written.position));
        const response = new Response();
        response.setPosition(position);
        return answer(null, response);
      }
      case "wrong_version":
        return answer(
          failure(status.FAILED_PRECONDITION, `${tag} failed due to a wrong expected version.`, {
            exception: "wrong-expected-version",
            "stream-name": asciiTrailer(stream),
            "expected-version": String(expectedNumber(expected)),
            "actual-version": String(written.actual ?? -1),
          }),
        );
      case "deleted":
        return answer(streamDeleted(stream));
      case "too_large":
      case "busy":
        return answer(busy());
      default:
        return written satisfies never;
    }
  });
}

/**
 * EventStoreDB looks for the first id of an append only, and where a revision is expected for none. The ledger sends many
 * webhooks in one append, any of which its sender may have repeated: from the connection that it appends through, each id
 * is stored once in a stream. Everybody else sees the original's rules.
 */
const isLedger = (call: ServerDuplexStream<BatchRequest, BatchAppendResp | Buffer>): boolean =>
  call.metadata.get("connection-name").includes("incident-ledger-append");

interface ExpectedMessage {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
  getRevision(): string;
}

const expectedOf = (options: ExpectedMessage): Expected =>
  options.hasAny()
    ? "any"
    : options.hasNoStream()
      ? "no_stream"
      : options.hasStreamExists()
        ? "stream_exists"
        : Number(options.getRevision());

const expectedNumber = (expected: Expected): number =>
  expected === "any" ? -2 : expected === "no_stream" ? -1 : expected === "stream_exists" ? -4 : expected;

function proposed(message: ProposedMessage | undefined): ProposedEvent | undefined {
  const id = uuidBytes(message?.getId());
  const type = message?.getMetadataMap().get("type");
  const contentType = message?.getMetadataMap().get("content-type");
  if (message === undefined || id === undefined || type === undefined || contentType === undefined) {
    return undefined;
  }
  return {
    id,
    type,
    isJson: contentType === "application/json",
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

function appended(written: { last: number | undefined; position: number }): AppendResp {
  const success = new streams.AppendResp.Success();
  if (written.last === undefined) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(written.last));
  const position = new streams.AppendResp.Position();
  position.setCommitPosition(String(written.position));
  position.setPreparePosition(String(written.position));
  success.setPosition(position);
  const response = new streams.AppendResp();
  response.setSuccess(success);
  return response;
}

function notAppended(written: { actual: number | undefined }, expected: Expected): AppendResp {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (written.actual === undefined) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(written.actual));
  if (expected === "any") wrong.setExpectedAny(new shared.Empty());
  else if (expected === "no_stream") wrong.setExpectedNoStream(new shared.Empty());
  else if (expected === "stream_exists") wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  const response = new streams.AppendResp();
  response.setWrongExpectedVersion(wrong);
  return response;
}

function fillBatchAnswer(
  answer: BatchAppendResp,
  written: Exclude<Written, { tag: "written" }>,
  part: { stream: string; expected: Expected },
): void {
  switch (written.tag) {
    case "wrong_version": {
      const wrong = new shared.WrongExpectedVersion();
      if (written.actual === undefined) wrong.setCurrentNoStream(new ProtobufEmpty());
      else wrong.setCurrentStreamRevision(String(written.actual));
      if (part.expected === "any") wrong.setExpectedAny(new ProtobufEmpty());
      else if (part.expected === "no_stream") wrong.setExpectedNoStream(new ProtobufEmpty());
      else if (part.expected === "stream_exists") wrong.setExpectedStreamExists(new ProtobufEmpty());
      else wrong.setExpectedStreamPosition(String(part.expected));
      answer.setError(
        batchError(6, "WrongExpectedVersion", [wrong.serializeBinary(), "WrongExpectedVersion"]),
      );
      return;
    }
    case "deleted": {
      const deleted = new shared.StreamDeleted();
      deleted.setStreamIdentifier(streamIdentifier(part.stream));
      answer.setError(batchError(5, "StreamDeleted", [deleted.serializeBinary(), "StreamDeleted"]));
      return;
    }
    case "too_large": {
      const large = new shared.MaximumAppendSizeExceeded();
      large.setMaxappendsize(maxAppendBytes);
      answer.setError(
        batchError(3, "Maximum Append Size Exceeded", [large.serializeBinary(), "MaximumAppendSizeExceeded"]),
      );
      return;
    }
    case "busy":
      // The original packs "not handled" as Empty; clients know it by the message alone.
      answer.setError(batchError(14, "Server Is Too Busy", [new ProtobufEmpty().serializeBinary(), "Empty"]));
      return;
    default:
      written satisfies never;
  }
}

type Packed = readonly [bytes: Uint8Array, name: string];

function batchError(code: number, message: string, [bytes, name]: Packed) {
  const details = new Any();
  details.pack(bytes, name === "Empty" ? "google.protobuf.Empty" : `event_store.client.${name}`);
  const error = new statuses.Status();
  error.setCode(code as Parameters<typeof error.setCode>[0]);
  error.setMessage(message);
  error.setDetails(details);
  return error;
}

const timeout = (): Packed => [new shared.Timeout().serializeBinary(), "Timeout"];
function badRequest(): Packed {
  const bad = new shared.BadRequest();
  bad.setMessage("type and content-type are required");
  return [bad.serializeBinary(), "BadRequest"];
}

const busy = () => failure(status.UNAVAILABLE, "Server Is Too Busy");

const missingProperty = () =>
  failure(status.INVALID_ARGUMENT, "Required metadata property missing: type, content-type", {
    exception: "missing-required-metadata-property",
    "required-metadata-properties": "type,content-type",
  });

const tooLarge = () =>
  failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${maxAppendBytes} Exceeded.`, {
    exception: "maximum-append-size-exceeded",
    "maximum-append-size": String(maxAppendBytes),
  });
