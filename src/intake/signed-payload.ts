// What a signature that was found right says: what of a webhook it covers, and which sources may read what it covers.
// Verifies nothing itself.

import type { SignatureScheme, SourcePayload } from "../sources/source.ts";
import type { VerifiedSignature } from "./native-payload.ts";

/**
 * Whether the one who sends, or reads again, must show a signature: a key with signing secrets must, one without need
 * not, and the admin key may read again what nobody verified.
 */
export type SignatureRule = "required" | "optional" | "waived";

/**
 * Whether a source that signs with `scheme` (undefined: it does not sign) may read a payload of which `verified` is
 * known. What one tool signed is not believed as another tool's. What SNS signs needs no secret, so that the rule of a
 * key says nothing of it.
 */
export function mayRead(
  verified: VerifiedSignature | undefined,
  scheme: SignatureScheme | undefined,
  rule: SignatureRule,
): boolean {
  if (rule === "waived") return true;
  switch (verified) {
    case undefined:
      return rule === "optional" && scheme === undefined;
    case "none":
      return rule === "optional" && scheme !== "sns";
    default:
      return scheme === undefined || scheme === verified;
  }
}

/**
 * The payload as a source that signs with `scheme` may read it. Query and headers are covered by no signature: where they
 * say more than how the tool is set up, as to sources that do not sign, whoever holds one signed body could say anything
 * beside it.
 */
export function coveredPart(
  payload: SourcePayload,
  verified: VerifiedSignature | undefined,
  scheme: SignatureScheme | undefined,
): SourcePayload {
  const isWhole = verified === undefined || verified === "none" || scheme !== undefined;
  if (isWhole) return payload;
  // Without a body the query stands in its place.
  return { ...payload, body: payload.text === "" ? {} : payload.body, query: {}, headers: {} };
}
