// What a key that has a quota is told of it: 429 above it, and in every answer what is left. The headers are those of
// draft-ietf-httpapi-ratelimit-headers-11 (structured fields). Counts nothing itself.

import { type Allowance, type Quota, windowSeconds } from "../domain/quota.ts";
import type { Quotas } from "../intake/quotas.ts";
import type { Caller } from "./access.ts";
import { problem } from "./answer.ts";

/** Counts the webhook against its key's quota, where it has one; `refused` is called with the 429 above it. */
export function withinQuota(
  caller: Caller,
  quotas: Quotas,
  run: { readonly answer: () => Promise<Response>; readonly refused: (response: Response) => Response },
): Promise<Response> {
  const allowance = caller.tag === "key" ? quotas.take(caller.key) : undefined;
  if (allowance === undefined) return run.answer();
  return allowance.allowed
    ? run.answer().then((answer) => withRateLimit(answer, allowance))
    : Promise.resolve(run.refused(withRateLimit(tooMany(allowance), allowance)));
}

function tooMany({ quota, waitSeconds }: Allowance): Response {
  const burst = quota.burst === quota.webhooks ? "" : `, at most ${quota.burst} at once`;
  const answer = problem(
    429,
    "Too many webhooks",
    `The key may send ${quota.webhooks} webhooks a ${quota.per}${burst}.`,
  );
  answer.headers.set("Retry-After", String(waitSeconds));
  return answer;
}

/** `t`: where none is left, when there is one again, like Retry-After; else when there is the whole quota again. */
function withRateLimit(
  answer: Response,
  { quota, remaining, waitSeconds, fullSeconds }: Allowance,
): Response {
  const seconds = remaining === 0 ? waitSeconds : fullSeconds;
  answer.headers.set("RateLimit-Policy", policy(quota));
  answer.headers.set("RateLimit", `"webhooks";r=${remaining};t=${seconds}`);
  return answer;
}

/** A bucket of `burst` that fills in so many seconds: what may be counted on in such a window. */
const policy = (quota: Quota): string => `"webhooks";q=${quota.burst};w=${Math.max(1, windowSeconds(quota))}`;
