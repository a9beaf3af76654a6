// Messages as SNS signs them, with a key and a certificate of our own, and Amazon's answers without a network.

import { type KeyObject, sign } from "node:crypto";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import type { Fetch } from "../../src/intake/sns-url.ts";

export const topic = "arn:aws:sns:eu-north-1:000011112222:ledger";
export const host = "https://sns.eu-north-1.amazonaws.com";
export const certificateUrl = `${host}/SimpleNotificationService-0a1b2c3d4e5f60718293a4b5c6d7e8f9.pem`;

export const notification = {
  Type: "Notification",
  MessageId: "aaaa",
  TopicArn: topic,
  Subject: "ALARM",
  Message: '{"AlarmName":"größer"}\nand a second line',
  Timestamp: "2025-06-07T08:09:09.000Z",
  SignatureVersion: "2",
  SigningCertURL: certificateUrl,
};

export const confirmation = {
  Type: "SubscriptionConfirmation",
  MessageId: "bbbb",
  Token: "t0k3n",
  TopicArn: topic,
  Message: "You have chosen to subscribe",
  SubscribeURL: `${host}/?Action=ConfirmSubscription&TopicArn=${topic}&Token=t0k3n`,
  Timestamp: "2025-06-07T08:09:09.000Z",
  SignatureVersion: "1",
  SigningCertURL: certificateUrl,
};

const confirmationOrder = "Message MessageId SubscribeURL Timestamp Token TopicArn Type";
const order: Readonly<Record<string, string>> = {
  Notification: "Message MessageId Subject Timestamp TopicArn Type",
  SubscriptionConfirmation: confirmationOrder,
  UnsubscribeConfirmation: confirmationOrder,
};

export type Message = Readonly<Record<string, string>>;

export function signedWith(privateKey: KeyObject, message: Message): Message {
  const text = (order[message.Type ?? ""] ?? "")
    .split(" ")
    .filter((name) => name in message)
    .map((name) => `${name}\n${message[name]}\n`)
    .join("");
  const algorithm = message.SignatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return { ...message, Signature: sign(algorithm, Buffer.from(text), privateKey).toString("base64") };
}

/** A fetch that answers every URL alike and tells which ones were asked. */
export function answering(answer: () => Response | Promise<Response>) {
  const asked: { url: string; redirect: string | undefined; signal: unknown }[] = [];
  const fetch: Fetch = async (url, { redirect, signal }) => {
    asked.push({ url, redirect, signal });
    return answer();
  };
  return { fetch, asked, urls: () => asked.map(({ url }) => url) };
}

export const serving = (text: string, status = 200) => answering(() => new Response(text, { status }));

export const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

export function at(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

/** What looks like SNS and is not, or leads elsewhere. */
export const foreignUrls = [
  "http://sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com.evil.example/x.pem",
  "https://evil.amazonaws.com.x/x.pem",
  "https://sns.eu-north-1.amazonaws.com.x/x.pem",
  "https://evilsns.eu-north-1.amazonaws.com/x.pem",
  "https://evil.sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.evil.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com:8443/x.pem",
  "https://sns.eu-north-1.amazonaws.com:443/x.pem",
  "https://sns.eu-north-1.amazonaws.com:80/x.pem",
  "https://evil.example/sns.eu-north-1.amazonaws.com/x.pem",
  "https://evil.example#sns.eu-north-1.amazonaws.com/x.pem",
  "https://evil.example?https://sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com@evil.example/x.pem",
  "https://sns.eu-north-1.amazonaws.com:@evil.example/x.pem",
  "https://sns.eu-north-1.amazonaws.com\\@evil.example/x.pem",
  "https://evil.example\\@sns.eu-north-1.amazonaws.com/x.pem",
  "https://user@sns.eu-north-1.amazonaws.com/x.pem",
  "https://user:secret@sns.eu-north-1.amazonaws.com/x.pem",
  "https://@sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com./x.pem",
  "https://sns.eu-north-1.amazonaws\u3002com/x.pem",
  "https://sns\uff0eeu-north-1.amazonaws.com/x.pem",
  "https://\uff53ns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.\u0430mazonaws.com/x.pem",
  "https://%73ns.eu-north-1.amazonaws.com/x.pem",
  "https://SNS.eu-north-1.amazonaws.com/x.pem",
  " https://sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazon\naws.com/x.pem",
  "https:sns.eu-north-1.amazonaws.com/x.pem",
  "https:\\\\sns.eu-north-1.amazonaws.com\\x.pem",
  "//sns.eu-north-1.amazonaws.com/x.pem",
  "https://sns.evil.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com.cn.evil.example/x.pem",
  "https://sns..amazonaws.com/x.pem",
  "https://sns.-1.amazonaws.com/x.pem",
  "https://sns.amazonaws.com/x.pem",
  "https://bucket.s3.amazonaws.com/x.pem",
  "https://sns.eu-north-1.amazonaws.com",
  "https://127.0.0.1/x.pem",
  "https://2130706433/x.pem",
  "https://0x7f000001/x.pem",
  "https://169.254.169.254/latest/meta-data",
  "https://[::1]/x.pem",
  "https://[::ffff:127.0.0.1]/x.pem",
  "https://localhost/x.pem",
  "file:///etc/passwd",
  "data:text/plain,x",
  `https://sns.eu-north-1.amazonaws.com/${"x".repeat(3_000)}`,
  "",
];
