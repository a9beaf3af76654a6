// Verifies what tools sign, over the body's own bytes and in constant time. Knows neither keys nor requests.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { SignatureScheme } from "../sources/source.ts";

/** Schemes that sign with a shared secret. SNS signs with a certificate instead. */
export type SecretScheme = Exclude<SignatureScheme, "sns">;

export type Verification =
  | { readonly ok: true }
  /** Why, without anything that was sent. */
  | { readonly ok: false; readonly reason: string };

export interface SignedWebhook {
  readonly body: Uint8Array;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

export type AnyVerification =
  | { readonly ok: true; readonly scheme: SecretScheme }
  | Extract<Verification, { ok: false }>;

/** How far a signed timestamp may be from now, either way (Standard Webhooks' own advice). */
const toleranceSeconds = 300;

/**
 * Whether one of the secrets signed it in any of the known ways. Only the headers tell which way: nothing of the body is
 * parsed before its signature has been found right.
 */
export function verifyAnySignature(
  webhook: SignedWebhook,
  secrets: readonly string[],
  nowEpochMs: number,
): AnyVerification {
  let reason: string | undefined;
  for (const scheme of schemes) {
    if (!signatureHeaders[scheme].some((name) => webhook.headers[name] !== undefined)) continue;
    const verified = verifySignature(scheme, webhook, secrets, nowEpochMs);
    if (verified.ok) return { ok: true, scheme };
    reason ??= verified.reason;
  }
  return { ok: false, reason: reason ?? `it carries none of the headers ${knownHeaders}` };
}

/**
 * How many bytes the secret has once decoded: `whsec_` secrets are base64 (Standard Webhooks), every other one is its
 * own UTF-8 text.
 */
export const signingKeyBytes = (secret: string): number =>
  secret.startsWith(base64Prefix)
    ? Buffer.from(secret.slice(base64Prefix.length), "base64").length
    : Buffer.byteLength(secret);

/** Shorter secrets are refused when a key is issued. */
export const leastSigningKeyBytes = 16;

/** Whether one of the secrets signed it: several are live while a secret is exchanged for another. */
export function verifySignature(
  scheme: SecretScheme,
  webhook: SignedWebhook,
  secrets: readonly string[],
  nowEpochMs: number,
): Verification {
  const read = readers[scheme](webhook.headers, nowEpochMs);
  if (!("sent" in read)) return { ok: false, reason: read.problem };
  // Every pair is compared, so that the time taken does not tell which secret was the one.
  let matches = false;
  for (const secret of secrets) {
    const key = read.keyOf === undefined ? secret : read.keyOf(secret);
    if (key === undefined) continue;
    const expected = createHmac(read.algorithm ?? "sha256", key)
      .update(read.before ?? "")
      .update(webhook.body)
      .digest();
    for (const sent of read.sent) {
      if (sent.length === expected.length && timingSafeEqual(sent, expected)) matches = true;
    }
  }
  return matches ? { ok: true } : { ok: false, reason: "the signature is not that of a secret of this key" };
}

type SignatureRead =
  | {
      readonly sent: readonly Buffer[];
      /** SHA-256 where it is absent. */
      readonly algorithm?: "sha1";
      /** What is signed in front of the body. */
      readonly before?: string;
      readonly keyOf?: (secret: string) => Buffer | undefined;
    }
  | { readonly problem: string };

type ReadSignature = (headers: Readonly<Record<string, string>>, nowEpochMs: number) => SignatureRead;

const missing = (header: string): SignatureRead => ({ problem: `the header ${header} is missing` });

/** A header that holds one hex digest behind a fixed prefix. */
const hexIn =
  (header: string, prefix = ""): ReadSignature =>
  (headers) => {
    const text = headers[header];
    return text === undefined
      ? missing(header)
      : { sent: text.startsWith(prefix) ? digests([text.slice(prefix.length)]) : [] };
  };

const readers: Readonly<Record<SecretScheme, ReadSignature>> = {
  // Where a timestamp header is set up, Grafana signs `<unix seconds>:<body>`.
  grafana: (headers, now) => {
    const text = headers["x-grafana-alerting-signature"];
    if (text === undefined) return missing("X-Grafana-Alerting-Signature");
    const at = headers["x-grafana-alerting-timestamp"];
    if (at === undefined) return { sent: digests([text]) };
    return isNear(at, now) ? { sent: digests([text]), before: `${at}:` } : stale;
  },
  pagerduty: (headers) => {
    const text = headers["x-pagerduty-signature"];
    if (text === undefined) return missing("X-PagerDuty-Signature");
    const versions = text.split(",", 10).map((part) => part.trim());
    return { sent: digests(versions.filter((part) => part.startsWith("v1=")).map((part) => part.slice(3))) };
  },
  sentry: hexIn("sentry-hook-signature"),
  checkly: hexIn("x-checkly-signature"),
  github: hexIn("x-hub-signature-256", "sha256="),
  jira: hexIn("x-hub-signature", "sha256="),
  firehydrant: hexIn("fh-signature"),
  flux: hexIn("x-signature", "sha256="),
  instatus: hexIn("x-instatus-webhook-signature"),
  rootly: (headers, now) => {
    const text = headers["x-rootly-signature"];
    const at = /(?:^|,)\s*t=(\d{1,12})\s*(?:,|$)/.exec(text ?? "")?.[1];
    if (text === undefined || at === undefined) return missing("X-Rootly-Signature");
    if (!isNear(at, now)) return stale;
    const versions = text.split(",", 10).map((part) => part.trim());
    return {
      sent: digests(versions.filter((part) => part.startsWith("v1=")).map((part) => part.slice(3))),
      before: at,
    };
  },
  "splunk-observability": (headers) => {
    const text = headers["x-sfx-signature"];
    return text === undefined ? missing("X-SFX-Signature") : { sent: [Buffer.from(text, "base64")] };
  },
  vercel: (headers) => {
    const text = headers["x-vercel-signature"];
    if (text === undefined) return missing("X-Vercel-Signature");
    return { sent: /^[0-9a-f]{40}$/i.test(text) ? [Buffer.from(text, "hex")] : [], algorithm: "sha1" };
  },
  "standard-webhooks": (headers, now) => {
    const id = headers["webhook-id"] ?? headers["svix-id"];
    const at = headers["webhook-timestamp"] ?? headers["svix-timestamp"];
    const text = headers["webhook-signature"] ?? headers["svix-signature"];
    if (id === undefined || at === undefined || text === undefined) {
      return { problem: "webhook-id, webhook-timestamp and webhook-signature are not all there" };
    }
    if (!isNear(at, now)) return stale;
    const signatures = text.split(" ", 10).filter((part) => part.startsWith("v1,"));
    return {
      sent: signatures.map((part) => Buffer.from(part.slice(3), "base64")),
      before: `${id}.${at}.`,
      keyOf: base64Key,
    };
  },
};

/** Where each scheme puts its signature. */
const signatureHeaders: Readonly<Record<SecretScheme, readonly string[]>> = {
  grafana: ["x-grafana-alerting-signature"],
  pagerduty: ["x-pagerduty-signature"],
  sentry: ["sentry-hook-signature"],
  checkly: ["x-checkly-signature"],
  github: ["x-hub-signature-256"],
  jira: ["x-hub-signature"],
  firehydrant: ["fh-signature"],
  flux: ["x-signature"],
  instatus: ["x-instatus-webhook-signature"],
  rootly: ["x-rootly-signature"],
  "splunk-observability": ["x-sfx-signature"],
  vercel: ["x-vercel-signature"],
  "standard-webhooks": ["webhook-signature", "svix-signature"],
};
const schemes = Object.keys(signatureHeaders) as readonly SecretScheme[];
const knownHeaders = Object.values(signatureHeaders).flat().join(", ");

const base64Prefix = "whsec_";

/**
 * A secret without the prefix may be meant for another scheme. Decoded leniently it could become a key of no bytes at
 * all, which anybody can sign with.
 */
function base64Key(secret: string): Buffer | undefined {
  const isPrefixed = secret.startsWith(base64Prefix);
  if (!isPrefixed && !/^[A-Za-z0-9+/]+={0,2}$/.test(secret)) return undefined;
  const key = Buffer.from(isPrefixed ? secret.slice(base64Prefix.length) : secret, "base64");
  return key.length >= (isPrefixed ? 1 : leastSigningKeyBytes) ? key : undefined;
}

const stale: SignatureRead = { problem: "its signed timestamp is more than 5 minutes away" };

function isNear(unixSeconds: string, nowEpochMs: number): boolean {
  return (
    /^\d{1,12}$/.test(unixSeconds) && Math.abs(Number(unixSeconds) - nowEpochMs / 1000) <= toleranceSeconds
  );
}

const digests = (texts: readonly string[]): Buffer[] =>
  texts.filter((text) => /^[0-9a-f]{64}$/i.test(text)).map((text) => Buffer.from(text, "hex"));
