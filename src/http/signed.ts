// Whether a webhook is signed as its key asks for, over the bytes of its body as they came: nothing of it has been parsed.

import { toEpochMs } from "../domain/instant.ts";
import type { SignatureRule } from "../intake/signed-payload.ts";
import { type SecretScheme, verifyAnySignature } from "../intake/verify-signature.ts";
import type { Caller } from "./access.ts";
import { problem, unavailable } from "./answer.ts";
import { headersOf } from "./native-key.ts";
import type { HttpDependencies } from "./ports.ts";

export const signatureRule = (caller: Caller): SignatureRule =>
  caller.tag === "admin" ? "waived" : (caller.key.signing_secrets ?? []).length > 0 ? "required" : "optional";

/** The scheme that was verified, "none" where the caller need not sign, or the refusal: 401, or 503. */
export function verifiedSignature(
  { request, body }: { readonly request: Request; readonly body: Uint8Array },
  caller: Caller,
  { registry, log, now }: Pick<HttpDependencies, "registry" | "log" | "now">,
): SecretScheme | "none" | Response {
  if (caller.tag === "admin" || signatureRule(caller) !== "required") return "none";
  const secrets = registry.signingSecrets(caller.key);
  if (secrets === undefined) {
    log.error(
      { key_id: caller.key.key_id },
      "a signing secret cannot be opened: SECRETS_KEY is not the one it was sealed with",
    );
    return unavailable("The signature cannot be verified at this moment.");
  }
  const verified = verifyAnySignature({ body, headers: headersOf(request) }, secrets, toEpochMs(now()));
  return verified.ok ? verified.scheme : badSignature(verified.reason);
}

/** `reason` quotes nothing that was sent. */
export const badSignature = (reason: string): Response =>
  problem(401, "Invalid signature", `The key has signing secrets and takes only what is signed: ${reason}.`);
