// The decoder of what a subscription hears, held against the messages that the client's own classes write, and against
// bytes that are broken.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { shared, streams } from "../../src/eventstore/client-messages.ts";
import { decodeReadResponse, type LogMessage } from "../../src/eventstore/read-response.ts";

type Recorded = InstanceType<typeof streams.ReadResp.ReadEvent.RecordedEvent>;

interface Written {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly commit: bigint;
  readonly type: string;
  readonly contentType: string;
  readonly created: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

const usual: Written = {
  id: "0b9ab39d-4d64-4e2b-9b5f-5b1c3c1f1e11",
  stream: "incident-a.ü",
  revision: 7n,
  commit: 1_234_567n,
  type: "T",
  contentType: "application/json",
  created: "17145684001234567",
  data: Buffer.from('{"a":1}'),
  metadata: Buffer.from('{"b":"2"}'),
};

function recorded(written: Written): Recorded {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent();
  const id = new shared.UUID();
  id.setString(written.id);
  event.setId(id);
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(written.stream));
  event.setStreamIdentifier(identifier);
  event.setStreamRevision(String(written.revision));
  event.setPreparePosition(String(written.commit));
  event.setCommitPosition(String(written.commit));
  const settings = event.getMetadataMap();
  settings.set("type", written.type);
  settings.set("content-type", written.contentType);
  settings.set("created", written.created);
  event.setData(written.data);
  event.setCustomMetadata(written.metadata);
  return event;
}

function bytesOf(event: Recorded | undefined, beside: bigint): Buffer {
  const read = new streams.ReadResp.ReadEvent();
  if (event !== undefined) read.setEvent(event);
  read.setCommitPosition(String(beside));
  const response = new streams.ReadResp();
  response.setEvent(read);
  return Buffer.from(response.serializeBinary());
}

const resolvedOf = (message: LogMessage) => {
  if (message.tag !== "event") throw new Error(`It is no event but ${message.tag}`);
  return message.resolved;
};

describe("an event", () => {
  test("is read whole", () => {
    expect(resolvedOf(decodeReadResponse(bytesOf(recorded(usual), usual.commit)))).toEqual({
      event: {
        id: usual.id,
        type: "T",
        streamId: "incident-a.ü",
        revision: 7n,
        created: new Date("2024-05-01T13:00:00.123Z"),
        data: { a: 1 },
        metadata: { b: "2" },
        position: { commit: 1_234_567n },
      },
      commitPosition: 1_234_567n,
    });
  });

  test("has its id in two halves too, negative ones among them", () => {
    const event = recorded(usual);
    const halves = new shared.UUID.Structured();
    halves.setMostSignificantBits("-81985529216486896");
    halves.setLeastSignificantBits("2");
    const id = new shared.UUID();
    id.setStructured(halves);
    event.setId(id);
    const { event: read } = resolvedOf(decodeReadResponse(bytesOf(event, 1n)));
    expect(read?.id).toBe("fedcba98-7654-3210-0000-000000000002");
  });

  test("whatever its numbers, names and contents are, says the same as the client's classes", () => {
    const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const written = fc.record({
      id: fc.uuid(),
      stream: fc.string({ unit: "binary" }),
      revision: uint64,
      commit: uint64,
      type: fc.string(),
      contentType: fc.constantFrom("application/json", "application/octet-stream"),
      created: fc.nat().map((n) => String(n * 10_000)),
      data: fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => new Uint8Array(Buffer.from(text))),
      ),
      metadata: fc.json().map((text) => new Uint8Array(Buffer.from(text))),
    });
    fc.assert(
      fc.property(written, uint64, (one, beside) => {
        const { event, commitPosition } = resolvedOf(decodeReadResponse(bytesOf(recorded(one), beside)));
        const text = Buffer.from(one.data).toString();
        let data: unknown = text;
        try {
          data = JSON.parse(text);
        } catch {
          // It stays text.
        }
        expect(commitPosition).toBe(beside);
        expect(event).toEqual({
          id: one.id,
          type: one.type,
          streamId: Buffer.from(one.stream).toString(),
          revision: one.revision,
          created: new Date(Number(one.created) / 10_000),
          data: one.contentType === "application/json" ? data : Uint8Array.from(one.data),
          metadata: JSON.parse(Buffer.from(one.metadata).toString()),
          // A zero is not sent.
          position: one.commit === 0n ? undefined : { commit: one.commit },
        });
      }),
      { numRuns: 500 },
    );
  });

  test("of a link whose event is gone is none, at its position", () => {
    expect(resolvedOf(decodeReadResponse(bytesOf(undefined, 9n)))).toEqual({
      event: undefined,
      commitPosition: 9n,
    });
  });

  test("keeps content that is no JSON as bytes of its own", () => {
    const bytes = bytesOf(recorded({ ...usual, contentType: "application/octet-stream" }), 1n);
    const data = resolvedOf(decodeReadResponse(bytes)).event?.data;
    bytes.fill(0);
    expect(data).toEqual(Uint8Array.from(Buffer.from('{"a":1}')));
  });
});

describe("what else is sent", () => {
  const response = (fill: (message: InstanceType<typeof streams.ReadResp>) => void): LogMessage => {
    const message = new streams.ReadResp();
    fill(message);
    return decodeReadResponse(Buffer.from(message.serializeBinary()));
  };

  test("confirmation, checkpoint and caught up are told apart", () => {
    const checkpoint = new streams.ReadResp.Checkpoint();
    checkpoint.setCommitPosition("88");
    checkpoint.setPreparePosition("77");
    const confirmation = new streams.ReadResp.SubscriptionConfirmation();
    confirmation.setSubscriptionId("s");
    expect(response((message) => message.setCheckpoint(checkpoint))).toEqual({
      tag: "checkpoint",
      position: 88n,
    });
    expect(response((message) => message.setConfirmation(confirmation))).toEqual({ tag: "confirmed" });
    expect(response((message) => message.setCaughtUp(new streams.ReadResp.CaughtUp()))).toEqual({
      tag: "caught_up",
    });
  });

  test("fell behind, nothing at all and messages of later versions are passed over", () => {
    expect(response((message) => message.setFellBehind(new streams.ReadResp.FellBehind()))).toEqual({
      tag: "other",
    });
    expect(response(() => {})).toEqual({ tag: "other" });
    expect(decodeReadResponse(Buffer.from([0xfa, 0x01, 0x01, 0x00]))).toEqual({ tag: "other" });
  });

  test("fields of later versions in an event are passed over, whatever their wire type", () => {
    const event = bytesOf(recorded(usual), 5n);
    const later = Buffer.concat([
      Buffer.from([0x78, 0x96, 0x01]), // 15, varint
      Buffer.from([0x81, 0x01, 1, 2, 3, 4, 5, 6, 7, 8]), // 16, 64 bits
      Buffer.from([0x8a, 0x01, 0x02, 9, 9]), // 17, bytes
      Buffer.from([0x95, 0x01, 1, 2, 3, 4]), // 18, 32 bits
    ]);
    const read = decodeReadResponse(Buffer.concat([later, event, later]));
    expect(resolvedOf(read).event?.id).toBe(usual.id);
  });
});

test("bytes that end early or are no message never hang and never read beyond their end", () => {
  const whole = bytesOf(recorded(usual), usual.commit);
  let refused = 0;
  for (let end = 1; end < whole.length; end += 1) {
    try {
      decodeReadResponse(whole.subarray(0, end));
    } catch (error) {
      expect(String(error)).toContain("broken off or malformed");
      refused += 1;
    }
  }
  // The event is one field, so it is cut off wherever the message ends.
  expect(refused).toBe(whole.length - 1);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(decodeReadResponse(Buffer.from(bytes)).tag).toBeString();
      } catch (error) {
        expect(String(error)).toContain("broken off or malformed");
      }
    }),
    { numRuns: 2_000 },
  );
});
