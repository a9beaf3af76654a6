// A tool's webhook inside a carrier's message is read as if it had come by itself.

import { describe, expect, test } from "bun:test";
import { isBareRequest, validationCodeOf } from "../../src/sources/carriers.ts";
import { readPayload } from "../../src/sources/registry.ts";
import type { SourcePayload } from "../../src/sources/source.ts";
import { fixtures, receivedAt } from "./fixtures.ts";

const payload = (body: unknown, more: Partial<SourcePayload> = {}): SourcePayload => ({
  body,
  text: body === undefined ? "" : JSON.stringify(body),
  headers: {},
  query: {},
  received_at: receivedAt,
  ...more,
});

describe("a push of Google Pub/Sub", () => {
  const pushed = (text: string): SourcePayload =>
    payload({
      message: { data: Buffer.from(text).toString("base64"), messageId: "1", attributes: {} },
      subscription: "projects/x/subscriptions/ledger",
    });
  const monitoring = fixtures.filter(({ source, auto }) => source === "gcp-monitoring" && auto === undefined);

  test("carries what the channel itself would have sent", () => {
    expect(monitoring.length).toBeGreaterThan(3);
    for (const fixture of monitoring) {
      const bare = readPayload("auto", fixture.payload);
      expect(readPayload("auto", pushed(fixture.payload.text))).toEqual(bare as never);
      expect(readPayload("gcp-monitoring", pushed(fixture.payload.text))).toEqual(bare as never);
    }
  });

  test("that carries no JSON stays what it is", () => {
    expect(readPayload("auto", pushed("hello"))).toBeUndefined();
  });
});

test("Event Grid's question is known by its type", () => {
  const asked = [
    { eventType: "Microsoft.EventGrid.SubscriptionValidationEvent", data: { validationCode: "512d38b6" } },
  ];
  expect(validationCodeOf(payload(asked))).toBe("512d38b6");
  expect(
    validationCodeOf(payload([{ eventType: "Microsoft.Storage.BlobCreated", data: {} }])),
  ).toBeUndefined();
});

test("a request that holds nothing is a look at the URL; one with fields or an event's headers is not", () => {
  expect(isBareRequest(payload(undefined))).toBe(true);
  expect(isBareRequest(payload(undefined, { query: { repo_uuid: "r", label: "l" } }))).toBe(true);
  expect(isBareRequest(payload(undefined, { query: { status: "up" } }))).toBe(false);
  expect(isBareRequest(payload(undefined, { headers: { "ce-type": "a.b" } }))).toBe(false);
  expect(isBareRequest(payload({}))).toBe(false);
});
