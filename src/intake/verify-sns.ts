// Whether Amazon SNS signed a webhook, and the confirming of a subscription. Both need a look at Amazon's hosts, which
// the caller allows by handing over `fetch`; no other host is ever asked. Knows no store and no key.

import { verify, X509Certificate } from "node:crypto";
import { type Instant, toEpochMs } from "../domain/instant.ts";

export type SnsVerdict =
  | { readonly ok: true; readonly message: SnsMessage }
  | { readonly ok: false; readonly reason: string };

/** An SNS message's fields that are texts. */
export type SnsMessage = ReadonlyMap<string, string>;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const timeoutMs = 5_000;
const longestCertificate = 32_768;
const mostCertificates = 20;

const hostShape = /^sns\.[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?$/;

/** What is signed, in this order, each as its name and its value on a line of its own. */
const signedFields: Readonly<Record<string, readonly string[]>> = {
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
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
};

const algorithms: Readonly<Record<string, string>> = { "1": "RSA-SHA1", "2": "RSA-SHA256" };

/** Keeps the certificates it has fetched; make one for the whole process. Never throws. */
export function createSnsVerifier(fetch: Fetch) {
  const certificates = new Map<string, X509Certificate>();

  async function certificateAt(url: string): Promise<X509Certificate | undefined> {
    const known = certificates.get(url);
    if (known !== undefined) return known;
    const text = await getText(fetch, url);
    if (text === undefined) return undefined;
    try {
      const certificate = new X509Certificate(text);
      if (certificates.size >= mostCertificates) certificates.clear();
      certificates.set(url, certificate);
      return certificate;
    } catch {
      return undefined;
    }
  }

  return async (body: Uint8Array, now: Instant): Promise<SnsVerdict> => {
    const message = messageIn(body);
    if (message === undefined) return refused("it is no message of SNS");
    const fields = ownValue(signedFields, message.get("Type"));
    const algorithm = ownValue(algorithms, message.get("SignatureVersion"));
    const signature = message.get("Signature");
    if (fields === undefined || algorithm === undefined || signature === undefined) {
      return refused("the message is not signed in a way that is known");
    }
    const url = amazonUrl(message.get("SigningCertURL"));
    if (url === undefined || !url.pathname.endsWith(".pem")) {
      return refused(
        "the certificate is not Amazon's: its URL is not https://sns.<region>.amazonaws.com/....pem",
      );
    }
    const certificate = await certificateAt(url.href);
    if (certificate === undefined) return refused("Amazon's certificate could not be fetched");
    if (!isValidAt(certificate, now)) return refused("the certificate is not valid now");
    const text = fields
      .filter((name) => message.has(name))
      .map((name) => `${name}\n${message.get(name)}\n`)
      .join("");
    return isSigned({ algorithm, text, signature, certificate })
      ? { ok: true, message }
      : refused("the signature is not Amazon's for this message");
  };
}

/**
 * Confirms the subscription that a verified message asks for. False where the message asks for none, where its URL is not
 * Amazon's or not for its own topic, or where Amazon does not answer 200 at once: redirects are not followed.
 */
export async function confirmSubscription(message: SnsMessage, fetch: Fetch): Promise<boolean> {
  const url = amazonUrl(message.get("SubscribeURL"));
  return (
    message.get("Type") === "SubscriptionConfirmation" &&
    url !== undefined &&
    url.searchParams.get("Action") === "ConfirmSubscription" &&
    url.searchParams.get("TopicArn") === message.get("TopicArn") &&
    (await getText(fetch, url.href)) !== undefined
  );
}

const refused = (reason: string): SnsVerdict => ({ ok: false, reason });

/** A URL of SNS itself: https, the usual port, no user, and a host that only Amazon has. */
export function amazonUrl(text: string | undefined): URL | undefined {
  if (text === undefined || text.length > 2_000) return undefined;
  const url = URL.parse(text);
  const isAmazons =
    url !== null &&
    url.protocol === "https:" &&
    hostShape.test(url.host) &&
    url.username === "" &&
    url.password === "";
  return isAmazons ? url : undefined;
}

function messageIn(body: Uint8Array): SnsMessage | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    return new Map(
      Object.entries(parsed).filter((field): field is [string, string] => typeof field[1] === "string"),
    );
  } catch {
    return undefined;
  }
}

const ownValue = <T>(table: Readonly<Record<string, T>>, name: string | undefined): T | undefined =>
  name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;

const isValidAt = ({ validFrom, validTo }: X509Certificate, now: Instant): boolean =>
  Date.parse(validFrom) <= toEpochMs(now) && toEpochMs(now) <= Date.parse(validTo);

function isSigned(of: {
  readonly algorithm: string;
  readonly text: string;
  readonly signature: string;
  readonly certificate: X509Certificate;
}): boolean {
  try {
    const signature = Buffer.from(of.signature, "base64");
    return verify(of.algorithm, Buffer.from(of.text), of.certificate.publicKey, signature);
  } catch {
    return false;
  }
}

/** The body of a 200 answer, within a bound of time and size; undefined for all else. */
async function getText(fetch: Fetch, url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200 || answer.body === null) return undefined;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
      size += piece.byteLength;
      if (size > longestCertificate) return undefined;
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  } catch {
    return undefined;
  }
}
