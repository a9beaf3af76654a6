// The messages that our .proto files define, held against the message classes that come with the client.

import { describe, expect, test } from "bun:test";
import { createRequire } from "node:module";
import fc from "fast-check";
import { batchAnswer, stored } from "../../src/eventstore/embedded/answers.ts";
import { eventReadBytes } from "../../src/eventstore/embedded/event-encoder.ts";
import type { FileEvent } from "../../src/eventstore/embedded/event-file.ts";
import { services } from "../../src/eventstore/embedded/protocol.ts";
import {
  type BatchAppendReq,
  readBatchOptions,
  readProposed,
  uuidKey,
} from "../../src/eventstore/embedded/requests.ts";

const require = createRequire(import.meta.url);
const streams =
  require("@eventstore/db-client/generated/streams_pb.js") as typeof import("@eventstore/db-client/generated/streams_pb.js");
const shared =
  require("@eventstore/db-client/generated/shared_pb.js") as typeof import("@eventstore/db-client/generated/shared_pb.js");
const { Timestamp } =
  require("google-protobuf/google/protobuf/timestamp_pb.js") as typeof import("google-protobuf/google/protobuf/timestamp_pb.js");
const { Empty } =
  require("google-protobuf/google/protobuf/empty_pb.js") as typeof import("google-protobuf/google/protobuf/empty_pb.js");

const method = (name: string) => {
  const definition = services.streams[name];
  if (definition === undefined) throw new Error(`The service has no method ${name}.`);
  return definition;
};
const readBatchRequest = (bytes: Uint8Array): BatchAppendReq =>
  method("batchAppend").requestDeserialize(Buffer.from(bytes));

const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const blob = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 300 }), weight: 30 },
  { arbitrary: fc.constant(new Uint8Array(100_000).fill(7)), weight: 1 },
);
const name = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).map((text) => text.toWellFormed());
const position = fc.oneof(fc.nat(300), fc.maxSafeNat());
const idForm = fc.constantFrom("structured" as const, "text" as const);
const storedEvent: fc.Arbitrary<FileEvent> = fc.record({
  position,
  stream: name,
  revision: fc.oneof(position, fc.constant(Number.MAX_SAFE_INTEGER)),
  id,
  type: name,
  isJson: fc.boolean(),
  created: fc.integer({ min: 1, max: 2 ** 51 }),
  data: blob,
  metadata: blob,
});

const textOfId = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

function uuidMessage(bytes: Uint8Array, form: "structured" | "text") {
  const uuid = new shared.UUID();
  if (form === "text") {
    uuid.setString(textOfId(bytes));
    return uuid;
  }
  const halves = new shared.UUID.Structured();
  halves.setMostSignificantBits(String(Buffer.from(bytes).readBigInt64BE(0)));
  halves.setLeastSignificantBits(String(Buffer.from(bytes).readBigInt64BE(8)));
  uuid.setStructured(halves);
  return uuid;
}

function streamIdentifier(stream: string) {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  return identifier;
}

describe("an event read", () => {
  test("is the message that the classes would write", () => {
    fc.assert(
      fc.property(storedEvent, idForm, (event, form) => {
        const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
        recorded.setId(uuidMessage(event.id, form));
        recorded.setStreamIdentifier(streamIdentifier(event.stream));
        const isTombstone = event.revision === Number.MAX_SAFE_INTEGER;
        recorded.setStreamRevision(isTombstone ? "9223372036854775807" : String(event.revision));
        recorded.setCommitPosition(String(event.position));
        recorded.setPreparePosition(String(event.position));
        recorded
          .getMetadataMap()
          .set("type", event.type)
          .set("content-type", event.isJson ? "application/json" : "application/octet-stream")
          .set("created", `${event.created}0`);
        recorded.setData(event.data);
        recorded.setCustomMetadata(event.metadata);
        const read = new streams.ReadResp.ReadEvent();
        read.setEvent(recorded);
        read.setCommitPosition(String(event.position));
        const response = new streams.ReadResp();
        response.setEvent(read);
        const decoded = streams.ReadResp.deserializeBinary(
          method("read").responseSerialize(eventReadBytes(event, form)),
        );
        expect(decoded.toObject()).toEqual(
          streams.ReadResp.deserializeBinary(response.serializeBinary()).toObject(),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("an append done", () => {
  test("is the message that the classes would write", () => {
    const written = fc.record({
      stream: name,
      last: fc.option(position, { nil: undefined }),
      position,
    });
    fc.assert(
      fc.property(id, idForm, written, (correlationId, form, { stream, last, position }) => {
        const success = new streams.BatchAppendResp.Success();
        if (last === undefined) success.setNoStream(new Empty());
        else success.setCurrentRevision(String(last));
        const at = new shared.AllStreamPosition();
        at.setCommitPosition(String(position));
        at.setPreparePosition(String(position));
        success.setPosition(at);
        const response = new streams.BatchAppendResp();
        response.setCorrelationId(uuidMessage(correlationId, form));
        response.setStreamIdentifier(streamIdentifier(stream));
        response.setSuccess(success);
        const request = new streams.BatchAppendReq();
        request.setCorrelationId(uuidMessage(correlationId, form));
        const { correlation_id: correlation } = readBatchRequest(request.serializeBinary());
        const bytes = method("batchAppend").responseSerialize(
          batchAnswer({ correlation, stream }, stored({ tag: "written", last, position })),
        );
        expect(streams.BatchAppendResp.deserializeBinary(bytes).toObject()).toEqual(
          streams.BatchAppendResp.deserializeBinary(response.serializeBinary()).toObject(),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("an append asked for", () => {
  const expected = fc.oneof(
    fc.constantFrom("any" as const, "no_stream" as const, "stream_exists" as const),
    position,
  );
  const events = fc.array(fc.record({ id, type: name, isJson: fc.boolean(), data: blob, metadata: blob }), {
    maxLength: 4,
  });

  test("reads as what the classes wrote", () => {
    fc.assert(
      fc.property(
        fc.record({ correlationId: id, form: idForm, stream: name, expected, events, isFinal: fc.boolean() }),
        fc.option(fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true })),
        (asked, deadline) => {
          const options = new streams.BatchAppendReq.Options();
          options.setStreamIdentifier(streamIdentifier(asked.stream));
          if (asked.expected === "any") options.setAny(new Empty());
          else if (asked.expected === "no_stream") options.setNoStream(new Empty());
          else if (asked.expected === "stream_exists") options.setStreamExists(new Empty());
          else options.setStreamPosition(String(asked.expected));
          if (deadline !== null) options.setDeadline(Timestamp.fromDate(deadline));
          const request = new streams.BatchAppendReq();
          const correlation = uuidMessage(asked.correlationId, asked.form);
          request.setCorrelationId(correlation);
          request.setOptions(options);
          request.setIsFinal(asked.isFinal);
          for (const event of asked.events) {
            const message = new streams.BatchAppendReq.ProposedMessage();
            message.setId(uuidMessage(event.id, asked.form));
            message
              .getMetadataMap()
              .set("type", event.type)
              .set("content-type", event.isJson ? "application/json" : "application/octet-stream");
            message.setData(event.data);
            message.setCustomMetadata(event.metadata);
            request.addProposedMessages(message);
          }
          const read = readBatchRequest(request.serializeBinary());
          expect(read.is_final).toBe(asked.isFinal);
          expect(read.options === null ? null : readBatchOptions(read.options, 0)).toEqual({
            stream: asked.stream,
            expected: asked.expected,
            deadlineMs: deadline?.getTime() ?? Number.POSITIVE_INFINITY,
          });
          const plain = (event: ReturnType<typeof readProposed>) =>
            event && {
              ...event,
              id: Buffer.from(event.id).toString("hex"),
              data: Buffer.from(event.data).toString("hex"),
              metadata: Buffer.from(event.metadata).toString("hex"),
            };
          expect(read.proposed_messages.map((each) => plain(readProposed(each)))).toEqual(
            asked.events.map(plain),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test("without a type, a content type or an id is no event", () => {
    const message = new streams.BatchAppendReq.ProposedMessage();
    message.setId(uuidMessage(new Uint8Array(16), "text"));
    message.getMetadataMap().set("type", "Seen");
    const request = new streams.BatchAppendReq();
    request.addProposedMessages(message);
    expect(readBatchRequest(request.serializeBinary()).proposed_messages.map(readProposed)).toEqual([
      undefined,
    ]);
  });

  test("equal ids have equal keys, and others have others", () => {
    const keyOf = (bytes: Uint8Array, form: "structured" | "text"): string => {
      const request = new streams.BatchAppendReq();
      request.setCorrelationId(uuidMessage(bytes, form));
      return uuidKey(readBatchRequest(request.serializeBinary()).correlation_id);
    };
    fc.assert(
      fc.property(id, id, idForm, (one, other, form) => {
        expect(keyOf(one, form)).toBe(keyOf(Uint8Array.from(one), form));
        expect(keyOf(one, form) === keyOf(other, form)).toBe(Buffer.compare(one, other) === 0);
      }),
    );
  });

  test("a deadline may be a duration, which begins with the message", () => {
    const duration = Buffer.from([0x08, 0x02, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]);
    const options = Buffer.concat([Buffer.from([0x3a, duration.length]), duration]);
    const request = readBatchRequest(Buffer.concat([Buffer.from([0x12, options.length]), options]));
    expect(request.options && readBatchOptions(request.options, 1_000).deadlineMs).toBe(3_500);
  });

  test("bytes that are no message throw, and never anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          readBatchRequest(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 2_000 },
    );
    for (const cut of [1, 5, 9]) {
      const request = new streams.BatchAppendReq();
      request.setCorrelationId(uuidMessage(new Uint8Array(16).fill(7), "text"));
      expect(() => readBatchRequest(request.serializeBinary().subarray(0, cut))).toThrow(/out of range/);
    }
  });
});
