// What a key is told of its quota and its budget: 429 above them, and in every answer what is left of a quota. The headers
// are those of draft-ietf-httpapi-ratelimit-headers-11 (structured fields). Counts nothing itself.

import { type Quota, windowSeconds } from "../domain/quota.ts";
import { type Charge, type Excess, type Quotas, uncharged } from "../intake/quotas.ts";
import type { Caller } from "./access.ts";
import { problem } from "./answer.ts";

/** Charges the caller for one webhook and answers it; `refused` is called with the 429 where even that is too much. */
export async function withinQuota(
  caller: Caller,
  quotas: Quotas,
  run: {
    readonly answer: (charge: Charge) => Promise<Response>;
    readonly refused?: (response: Response) => Response;
  },
): Promise<Response> {
  if (caller.tag === "admin") return run.answer(uncharged);
  const opened = quotas.open(caller.key);
  if (opened.ok) return withRateLimit(await run.answer(opened.charge), opened.charge);
  const refusal = tooMany(opened.excess);
  return withRateLimit(run.refused?.(refusal) ?? refusal, opened.charge);
}

/** The 429 of a webhook that is refused whole. */
export function tooMany(excess: Excess): Response {
  const answer = problem(429, "Too many webhooks", detailsOf(excess));
  answer.headers.set("Retry-After", String(excess.waitSeconds));
  return answer;
}

/** The 429 of a webhook that nobody can read and that its project's quarantine has no room for. */
export function quarantineFull(waitSeconds: number): Response {
  const details = "It cannot be read, and the project's quarantine has taken all that it takes in a day.";
  const answer = problem(429, "Quarantine full", details);
  answer.headers.set("Retry-After", String(waitSeconds));
  return answer;
}

function detailsOf(excess: Excess): string {
  switch (excess.tag) {
    case "signals": {
      const { quota, signals } = excess;
      const group = signals === 1 ? "" : `The body holds ${signals} signals, each of which counts. `;
      const burst = quota.burst === quota.webhooks ? "" : `, at most ${quota.burst} at once`;
      return `${group}The key may send ${quota.webhooks} webhooks a ${quota.per}${burst}.`;
    }
    case "bytes":
      return `The key may store ${excess.bytesPerDay} bytes a day, and has.`;
    default:
      return excess satisfies never;
  }
}

/** `t`: where none is left, when there is one again, like Retry-After; else when there is the whole quota again. */
function withRateLimit(answer: Response, charge: Charge): Response {
  const left = charge.allowance();
  if (left === undefined) return answer;
  const seconds = left.remaining === 0 ? left.waitSeconds : left.fullSeconds;
  answer.headers.set("RateLimit-Policy", policy(left.quota));
  answer.headers.set("RateLimit", `"webhooks";r=${left.remaining};t=${seconds}`);
  return answer;
}

/** A bucket of `burst` that fills in so many seconds: what may be counted on in such a window. */
const policy = (quota: Quota): string => `"webhooks";q=${quota.burst};w=${Math.max(1, windowSeconds(quota))}`;
