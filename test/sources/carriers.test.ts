// What carriers ask before they send anything, and requests that hold nothing.

import { expect, test } from "bun:test";
import { isBareRequest, validationCodeOf } from "../../src/sources/carriers.ts";
import type { SourcePayload } from "../../src/sources/source.ts";
import { receivedAt } from "./fixtures.ts";

const payload = (body: unknown, more: Partial<SourcePayload> = {}): SourcePayload => ({
  body,
  text: body === undefined ? "" : JSON.stringify(body),
  headers: {},
  query: {},
  received_at: receivedAt,
  ...more,
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
