// A tool's webhook inside a carrier's message is read as it would be without: every fixture in every carrier.

import { describe, expect, test } from "bun:test";
import { readPayload } from "../../src/sources/read-payload.ts";
import { recogniseSource } from "../../src/sources/registry.ts";
import type { SourcePayload } from "../../src/sources/source.ts";
import { type Fixture, fixtures, receivedAt } from "./fixtures.ts";

/** As it arrives from a carrier: none of the tool's own headers, and its text inside another one. */
const payloadOf = (body: unknown): SourcePayload => ({
  body,
  text: JSON.stringify(body),
  headers: {},
  query: {},
  received_at: receivedAt,
});

/** How it is signed is the carrier's affair. */
function readingOf(name: string, payload: SourcePayload) {
  const read = readPayload(name, payload);
  return read === undefined ? undefined : { source: read.source, reading: read.reading };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

const event = {
  specversion: "1.0",
  id: "e1",
  source: "/hub",
  type: "tool.webhook",
  time: "2020-01-01T00:00:00Z",
};

const gridEvent = (data: unknown) => ({
  id: "e1",
  topic: "/subscriptions/x",
  subject: "tools",
  eventType: "tool.webhook",
  eventTime: "2020-01-01T00:00:00Z",
  dataVersion: "1",
  data,
});

const carriers: Readonly<Record<string, (text: string) => unknown>> = {
  "Google Pub/Sub": (text) => ({
    message: { data: base64(text), messageId: "1", publishTime: "2020-01-01T00:00:00Z", attributes: {} },
    subscription: "projects/x/subscriptions/ledger",
  }),
  "Amazon SNS": (text) => ({
    Type: "Notification",
    MessageId: "1",
    TopicArn: "arn:aws:sns:eu-west-1:111122223333:tools",
    Message: text,
    Timestamp: "2020-01-01T00:00:00Z",
  }),
  "Azure Event Grid": (text) => [gridEvent(JSON.parse(text))],
  CloudEvents: (text) => ({ ...event, data: JSON.parse(text) }),
  "CloudEvents in base64": (text) => ({ ...event, data_base64: base64(text) }),
  "a batch of one CloudEvent": (text) => [{ ...event, data: JSON.parse(text) }],
};

/** Sources of messages and of fields of any sender's: a carrier's message is read by its own source instead. */
const notCarried = [
  "fields",
  "standard-webhooks",
  "cloudevents",
  "cloudwatch-sns",
  "amazon-managed-prometheus",
];

function carriable({ payload }: Fixture): boolean {
  if (typeof payload.body !== "object" || payload.body === null || Object.keys(payload.query).length > 0)
    return false;
  const source = recogniseSource(payloadOf(payload.body));
  return source !== undefined && !notCarried.includes(source.name);
}

describe("a webhook in a carrier's message is read as it is without", () => {
  const carried = fixtures.filter(carriable);
  test("most fixtures can be carried", () => {
    expect(carried.length).toBeGreaterThan(fixtures.length / 2);
  });
  for (const [name, wrap] of Object.entries(carriers)) {
    test(name, () => {
      for (const { source, name: fixture, payload } of carried) {
        const bare = payloadOf(payload.body);
        const read = readingOf("auto", payloadOf(wrap(bare.text)));
        expect({ source, fixture, read }).toEqual({ source, fixture, read: readingOf("auto", bare) });
      }
    });
  }
});

const alert = { action: "Create", integrationId: "i", alert: { alertId: "a-1", createdAt: 1746000000123 } };
const ended = { ...alert, action: "Close", alert: { alertId: "a-1", updatedAt: 1746001800456 } };

describe("a carrier's message", () => {
  const pubsub = (text: string): SourcePayload => payloadOf(carriers["Google Pub/Sub"]?.(text));

  test("is unwrapped for a source that is named, too", () => {
    const read = readingOf("opsgenie", pubsub(JSON.stringify(alert)));
    expect(read).toEqual(readingOf("opsgenie", payloadOf(alert)) as never);
    expect(read?.reading.tag).toBe("signals");
  });

  test("keeps the digits of what it carries", () => {
    const text = '{"incident_id": 9007199254740993, "status": "down"}';
    expect(readingOf("auto", pubsub(text))).toMatchObject({
      source: "fields",
      reading: { signals: [{ incident_id: "9007199254740993" }] },
    });
  });

  test("with several webhooks gives each signal its own evidence", () => {
    const read = readingOf("auto", payloadOf([gridEvent(alert), gridEvent(ended)]));
    expect(read).toMatchObject({
      source: "opsgenie",
      reading: {
        signals: [
          { kind: "ALERT", payload: JSON.stringify(alert) },
          { kind: "RECOVERY", payload: JSON.stringify(ended) },
        ],
      },
    });
  });

  test("of which one part cannot be read is not read at all", () => {
    const strange = { ...alert, action: "restart" };
    const read = readingOf("auto", payloadOf([gridEvent(alert), gridEvent(strange)]));
    expect(read?.reading.tag).toBe("unrecognised");
  });

  test("with webhooks of different tools, or none that is known, is not taken apart", () => {
    const other = { monitor_id: 1, monitor_target: "x", monitor_status: "offline" };
    expect(readingOf("auto", payloadOf([gridEvent(alert), gridEvent(other)]))).toBeUndefined();
    expect(readingOf("auto", payloadOf(gridEvent({ some: "data" })))).toBeUndefined();
    expect(readingOf("auto", pubsub("no JSON"))).toBeUndefined();
    expect(readingOf("auto", pubsub(""))).toBeUndefined();
    expect(readingOf("auto", payloadOf([]))).toBeUndefined();
  });

  test("of CloudEvents with the six fields stays a CloudEvent, with its time", () => {
    const read = readingOf("auto", payloadOf({ ...event, data: { incident_id: "x", status: "down" } }));
    expect(read).toMatchObject({
      source: "cloudevents",
      reading: { signals: [{ incident_id: "x", incident_time: "2020-01-01T00:00:00.000000000Z" }] },
    });
  });

  test("of Event Grid itself carries nothing", () => {
    const asked = {
      ...gridEvent({ validationCode: "x" }),
      eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
    };
    expect(readingOf("auto", payloadOf([asked]))).toBeUndefined();
    expect(readingOf("opsgenie", payloadOf([asked]))?.reading.tag).toBe("unrecognised");
  });
});

test("what SNS hands on to auto is signed by SNS, as its own messages are; what others hand on is not signed", () => {
  const signedBy = (carrier: string) =>
    readPayload("auto", payloadOf(carriers[carrier]?.(JSON.stringify(alert))))?.signature;
  expect(signedBy("Amazon SNS")).toBe("sns");
  expect(signedBy("Google Pub/Sub")).toBeUndefined();
});
