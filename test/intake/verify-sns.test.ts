// What SNS signs, with a certificate of our own behind a fetch of our own: only Amazon's hosts are ever asked.

import { describe, expect, test } from "bun:test";
import { sign } from "node:crypto";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import {
  amazonUrl,
  confirmSubscription,
  createSnsVerifier,
  type Fetch,
} from "../../src/intake/verify-sns.ts";
import { selfSigned } from "./self-signed.ts";

const { pem, privateKey } = selfSigned({ from: "250101000000Z", to: "260101000000Z" });
const now = at("2025-06-07T08:09:10Z");
const topic = "arn:aws:sns:eu-north-1:000011112222:ledger";
const certificate = "https://sns.eu-north-1.amazonaws.com/SimpleNotificationService-0a.pem";

const notification = {
  Type: "Notification",
  MessageId: "aaaa",
  TopicArn: topic,
  Subject: "ALARM",
  Message: '{"AlarmName":"größer"}',
  Timestamp: "2025-06-07T08:09:09.000Z",
  SignatureVersion: "2",
  SigningCertURL: certificate,
};

const confirmation = {
  Type: "SubscriptionConfirmation",
  MessageId: "bbbb",
  Token: "t0k3n",
  TopicArn: topic,
  Message: "You have chosen to subscribe",
  SubscribeURL: `https://sns.eu-north-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${topic}&Token=t0k3n`,
  Timestamp: "2025-06-07T08:09:09.000Z",
  SignatureVersion: "1",
  SigningCertURL: certificate,
};

describe("a message of SNS", () => {
  test("is taken with either version of the signature, with and without a subject", async () => {
    const { Subject: _, ...withoutSubject } = notification;
    for (const message of [
      notification,
      withoutSubject,
      { ...notification, SignatureVersion: "1" },
      confirmation,
    ]) {
      expect((await verdict(signed(message))).ok).toBe(true);
    }
  });

  test("is refused where any signed field is another, missing or added", async () => {
    for (const name of ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"] as const) {
      expect((await verdict({ ...signed(notification), [name]: "another" })).ok).toBe(false);
      const { [name]: _, ...without } = signed(notification);
      expect((await verdict(without)).ok).toBe(false);
    }
    expect((await verdict({ ...signed(notification), SignatureVersion: "1" })).ok).toBe(false);
    expect((await verdict({ ...signed(notification), Signature: "" })).ok).toBe(false);
  });

  test("is refused without a signature of a known version, and where it is no message at all", async () => {
    for (const wrong of [
      {},
      { ...signed(notification), SignatureVersion: "__proto__" },
      notification,
      [],
      null,
      7,
    ]) {
      expect((await verdict(wrong)).ok).toBe(false);
    }
    expect((await createSnsVerifier(serving(pem).fetch)(new Uint8Array([0xff, 0xfe]), now)).ok).toBe(false);
  });

  test("is refused once its certificate is no longer valid", async () => {
    const answer = await verdict(signed(notification), serving(pem).fetch, at("2026-01-01T00:00:01Z"));
    expect(answer).toEqual({ ok: false, reason: "the certificate is not valid now" });
  });

  test("is refused where Amazon's answer is no certificate, too long, a redirect or none", async () => {
    const failing: Fetch = () => Promise.reject(new Error("no network"));
    const answers = [
      serving("no certificate"),
      serving(pem + " ".repeat(40_000)),
      serving(pem, 302),
      { fetch: failing },
    ];
    for (const { fetch } of answers) {
      expect(await verdict(signed(notification), fetch)).toEqual({
        ok: false,
        reason: "Amazon's certificate could not be fetched",
      });
    }
  });

  test("has its certificate fetched once, without following redirects", async () => {
    const server = serving(pem);
    const verify = createSnsVerifier(server.fetch);
    for (let n = 0; n < 3; n++) expect((await verify(bytes(signed(notification)), now)).ok).toBe(true);
    expect(server.asked).toEqual([{ url: certificate, redirect: "manual" }]);
  });

  test("never makes another host be asked", async () => {
    const server = serving(pem);
    for (const url of [...foreign, "https://sns.eu-north-1.amazonaws.com/x.txt"]) {
      const answer = await verdict(signed({ ...notification, SigningCertURL: url }), server.fetch);
      expect(answer.ok).toBe(false);
    }
    expect(server.asked).toEqual([]);
  });
});

describe("a subscription", () => {
  const message = (changed: Record<string, string> = {}) =>
    new Map(Object.entries({ ...confirmation, ...changed }));

  test("is confirmed by asking Amazon's URL", async () => {
    const server = serving("<ConfirmSubscriptionResponse/>");
    expect(await confirmSubscription(message(), server.fetch)).toBe(true);
    expect(server.asked).toEqual([{ url: confirmation.SubscribeURL, redirect: "manual" }]);
  });

  test("is not confirmed for a foreign URL, another topic, another action or another message", async () => {
    const server = serving("");
    const urls = [
      ...foreign,
      confirmation.SubscribeURL.replace("ConfirmSubscription", "DeleteTopic"),
      confirmation.SubscribeURL.replace(topic, "arn:aws:sns:eu-north-1:999:other"),
    ];
    for (const SubscribeURL of urls) {
      expect(await confirmSubscription(message({ SubscribeURL }), server.fetch)).toBe(false);
    }
    expect(await confirmSubscription(message({ Type: "Notification" }), server.fetch)).toBe(false);
    expect(server.asked).toEqual([]);
  });

  test("is not confirmed where Amazon redirects or refuses", async () => {
    expect(await confirmSubscription(message(), serving("", 301).fetch)).toBe(false);
    expect(await confirmSubscription(message(), serving("", 403).fetch)).toBe(false);
  });
});

test("Amazon's URLs are told from those that look like them", () => {
  for (const host of [
    "sns.us-east-1.amazonaws.com",
    "sns.us-gov-west-1.amazonaws.com",
    "sns.cn-north-1.amazonaws.com.cn",
  ]) {
    expect(amazonUrl(`https://${host}/x.pem`)?.hostname).toBe(host);
  }
  for (const url of foreign) expect(amazonUrl(url)).toBeUndefined();
});

const foreign = [
  "http://sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com.evil.example/x.pem",
  "https://sns.eu-north-1.amazonaws.com:8443/x.pem",
  "https://evil.example/sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com@evil.example/x.pem",
  "https://user:secret@sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.evil.amazonaws.com/x.pem",
  "https://bucket.s3.amazonaws.com/x.pem",
  "https://sns.amazonaws.com/x.pem",
  "https://127.0.0.1/x.pem",
  "file:///etc/passwd",
  "",
];

const order = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: [
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
  ],
};

function signed<Message extends Record<string, string>>(message: Message): Message & { Signature: string } {
  const text = order[message.Type as keyof typeof order]
    .filter((name) => name in message)
    .map((name) => `${name}\n${message[name]}\n`)
    .join("");
  const algorithm = message.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return { ...message, Signature: sign(algorithm, Buffer.from(text), privateKey).toString("base64") };
}

function serving(text: string, status = 200) {
  const asked: { url: string; redirect: string | undefined }[] = [];
  const fetch: Fetch = (url, { redirect }) => {
    asked.push({ url, redirect });
    return Promise.resolve(new Response(text, { status }));
  };
  return { fetch, asked };
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const verdict = (message: unknown, fetch: Fetch = serving(pem).fetch, moment = now) =>
  createSnsVerifier(fetch)(bytes(message), moment);

function at(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}
