// Whether Amazon SNS signed a webhook, and the confirming of a subscription. Both need a look at Amazon's hosts, which
// the operator allows by a mode; no other host is ever asked, and none in mode off. Knows no store and no key.

import { verify, type X509Certificate } from "node:crypto";
import { type Instant, toEpochMs } from "../domain/instant.ts";
import { createSnsCertificates, type FetchCertificate } from "./sns-certificates.ts";
import { askSns, type Fetch, snsUrl } from "./sns-url.ts";

/** off: the key alone decides. verify: only what SNS signed is taken. confirm: subscriptions are confirmed, too. */
export const snsModes = ["off", "verify", "confirm"] as const;
export type SnsMode = (typeof snsModes)[number];

export type SnsCheck =
  /** `note` says what became of the subscription, where the webhook asks for one and the mode is confirm. */
  | { readonly ok: true; readonly note?: string }
  /** Not signed by SNS; the reason holds nothing that was sent. */
  | { readonly ok: false; readonly tag: "refused"; readonly reason: string }
  /** Amazon cannot be asked; sending it again may help. */
  | { readonly ok: false; readonly tag: "unavailable"; readonly reason: string };

export interface SnsDependencies {
  readonly mode: SnsMode;
  readonly fetch: Fetch;
  readonly log: { readonly info: LogLine; readonly warn: LogLine };
  readonly now: () => Instant;
}

type LogLine = (details: object, message: string) => void;

export interface Sns {
  /** To be asked for each webhook of a source that signs as SNS does, before it is read. Never throws. */
  readonly check: (webhook: { readonly body: Uint8Array }) => Promise<SnsCheck>;
}

/** Make one for the whole process: it keeps the certificates. */
export function createSns({ mode, fetch, log, now }: SnsDependencies): Sns {
  const fetchCertificate = createSnsCertificates(fetch);
  return {
    check: async ({ body }) => {
      if (mode === "off") return { ok: true };
      const message = messageIn(body);
      if (message === undefined) return refused("it is no message of SNS");
      const verdict = await verifySns(message, fetchCertificate, now());
      if (!verdict.ok) {
        if (verdict.tag === "unavailable") log.warn({ reason: verdict.reason }, "SNS cannot be asked");
        return verdict;
      }
      if (mode === "verify" || message.get("Type") !== "SubscriptionConfirmation") return verdict;
      const confirmation = await confirmSubscription(message, fetch);
      const topic = message.get("TopicArn");
      switch (confirmation.tag) {
        case "confirmed":
          log.info({ topic }, "a subscription to an SNS topic is confirmed");
          return { ok: true, note: "the subscription is confirmed" };
        case "refused":
          log.warn({ topic, reason: confirmation.reason }, "a subscription to an SNS topic is not confirmed");
          return { ok: true, note: `the subscription is not confirmed: ${confirmation.reason}` };
        case "unavailable":
          log.warn({ topic, reason: confirmation.reason }, "a subscription to an SNS topic is not confirmed");
          return { ok: false, ...confirmation };
        default:
          return confirmation satisfies never;
      }
    },
  };
}

/** An SNS message's fields that are texts. */
export type SnsMessage = ReadonlyMap<string, string>;

/** What is signed, in this order, each as its name and its value on a line of its own. */
const confirmationFields = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
const signedFields: Readonly<Record<string, readonly string[]>> = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: confirmationFields,
  UnsubscribeConfirmation: confirmationFields,
};

const algorithms: Readonly<Record<string, string>> = { "1": "RSA-SHA1", "2": "RSA-SHA256" };

export async function verifySns(
  message: SnsMessage,
  fetchCertificate: FetchCertificate,
  now: Instant,
): Promise<SnsCheck> {
  const algorithm = ownValue(algorithms, message.get("SignatureVersion"));
  const signature = message.get("Signature");
  const url = message.get("SigningCertURL");
  if (algorithm === undefined || signature === undefined || url === undefined) {
    return refused("SNS did not sign it in a known way; what it delivers raw is never signed");
  }
  const text = textToSign(message);
  if (text === undefined) return refused("its signed fields are not those of a message of SNS");
  const found = await fetchCertificate(url, toEpochMs(now));
  if (found.tag !== "found") return { ok: false, ...found };
  if (!isValidAt(found.certificate, now)) return refused("the certificate is not valid now");
  return isSigned({ algorithm, text, signature, certificate: found.certificate })
    ? { ok: true }
    : refused("the signature is not Amazon's for this message");
}

/**
 * The text that SNS signs. Undefined where a field is missing, or where one other than Message holds a line break: then
 * two different messages could have the same text, and the signature of one would pass for the other.
 */
export function textToSign(message: SnsMessage): string | undefined {
  const names = ownValue(signedFields, message.get("Type"));
  if (names === undefined) return undefined;
  let text = "";
  for (const name of names) {
    const value = message.get(name);
    if (value === undefined && name === "Subject") continue;
    if (value === undefined || (name !== "Message" && value.includes("\n"))) return undefined;
    text += `${name}\n${value}\n`;
  }
  return text;
}

export type SubscriptionOutcome =
  | { readonly tag: "confirmed" }
  | { readonly tag: "refused"; readonly reason: string }
  | { readonly tag: "unavailable"; readonly reason: string };

/** Confirms the subscription that a verified message asks for, at Amazon's URL for the message's own topic only. */
export async function confirmSubscription(message: SnsMessage, fetch: Fetch): Promise<SubscriptionOutcome> {
  const url = snsUrl(message.get("SubscribeURL") ?? "");
  if (
    message.get("Type") !== "SubscriptionConfirmation" ||
    url?.searchParams.get("Action") !== "ConfirmSubscription" ||
    url.searchParams.get("TopicArn") !== message.get("TopicArn")
  ) {
    return {
      tag: "refused",
      reason: "its SubscribeURL does not confirm a subscription to its topic at Amazon SNS",
    };
  }
  const answer = await askSns(fetch, url.href);
  return answer.tag === "answered"
    ? { tag: "confirmed" }
    : { tag: answer.tag, reason: `Amazon SNS was asked to confirm the subscription: ${answer.reason}` };
}

const refused = (reason: string): SnsCheck => ({ ok: false, tag: "refused", reason });

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
