// The certificates with which SNS signs, fetched from SNS when a message names them and kept for a day. Knows no message.

import { X509Certificate } from "node:crypto";
import { askSns, type Fetch, snsUrl } from "./sns-url.ts";

export type CertificateFound =
  | { readonly tag: "found"; readonly certificate: X509Certificate }
  | { readonly tag: "refused"; readonly reason: string }
  | { readonly tag: "unavailable"; readonly reason: string };

export type FetchCertificate = (url: string, nowEpochMs: number) => Promise<CertificateFound>;

const mostCertificates = 16;
const mostAtOnce = 4;
const keptMs = 86_400_000;

/**
 * SNS names its certificates so. Nothing may follow: SNS answers requests of its API at any path, and some of those
 * answers hold what any of its customers wrote.
 */
const pathShape = /^\/SimpleNotificationService-[0-9a-f]{16,64}\.pem$/;

/** Make one for the whole process: it keeps what it has fetched. What it returns never throws. */
export function createSnsCertificates(fetch: Fetch): FetchCertificate {
  const kept = new Map<string, { readonly certificate: X509Certificate; readonly untilEpochMs: number }>();
  const asked = new Map<string, Promise<CertificateFound>>();

  async function ask(url: string, nowEpochMs: number): Promise<CertificateFound> {
    const answer = await askSns(fetch, url);
    if (answer.tag !== "answered") {
      return { tag: answer.tag, reason: `Amazon's certificate could not be fetched: ${answer.reason}` };
    }
    const certificate = certificateIn(answer.text);
    if (certificate === undefined) return { tag: "refused", reason: "Amazon's answer is no RSA certificate" };
    kept.delete(url);
    for (const oldest of kept.keys()) {
      if (kept.size < mostCertificates) break;
      kept.delete(oldest);
    }
    kept.set(url, { certificate, untilEpochMs: nowEpochMs + keptMs });
    return { tag: "found", certificate };
  }

  return async (url, nowEpochMs) => {
    const known = kept.get(url);
    if (known !== undefined && nowEpochMs < known.untilEpochMs) {
      return { tag: "found", certificate: known.certificate };
    }
    if (!isCertificateUrl(url))
      return { tag: "refused", reason: "its SigningCertURL is not one of Amazon SNS" };
    const underWay = asked.get(url);
    if (underWay !== undefined) return underWay;
    if (asked.size >= mostAtOnce) {
      return { tag: "unavailable", reason: "too many certificates are being fetched at this moment" };
    }
    const asking = ask(url, nowEpochMs).finally(() => asked.delete(url));
    asked.set(url, asking);
    return asking;
  };
}

function isCertificateUrl(text: string): boolean {
  const url = snsUrl(text);
  return url !== undefined && pathShape.test(url.pathname) && text === `${url.origin}${url.pathname}`;
}

/** Text in front of a certificate is refused, although parsers would step over it. */
function certificateIn(text: string): X509Certificate | undefined {
  if (!text.trimStart().startsWith("-----BEGIN CERTIFICATE-----")) return undefined;
  try {
    const certificate = new X509Certificate(text);
    return certificate.publicKey.asymmetricKeyType === "rsa" ? certificate : undefined;
  } catch {
    return undefined;
  }
}
