// What every webhook passes first, whatever its shape: the key, then its quota. And each is counted once: by whoever takes
// it, with what became of it, or here, with why it is not acknowledged.

import type { Charge } from "../intake/quotas.ts";
import { authenticate, type Caller } from "./access.ts";
import type { HttpDependencies, Rejection } from "./ports.ts";
import { withinQuota } from "./rate-limit.ts";

/** Counts the reason and answers the response. */
export type Reject = (reason: Rejection, response: Response) => Response;

/** `source` names the metrics; `secret` is the key as it was sent. */
export async function countedWebhook(
  { source, secret }: { readonly source: string; readonly secret: string | null },
  dependencies: Pick<HttpDependencies, "registry" | "now" | "quotas" | "metrics">,
  take: (caller: Caller, reject: Reject, charge: Charge) => Promise<Response>,
): Promise<Response> {
  const { metrics, quotas } = dependencies;
  const reject: Reject = (reason, response) => {
    metrics.rejected({ reason, source });
    return response;
  };
  try {
    const caller = authenticate(secret, dependencies);
    if (caller instanceof Response) {
      return reject(caller.status === 401 ? "unauthorized" : "unavailable", caller);
    }
    return await withinQuota(caller, quotas, {
      answer: (charge) => take(caller, reject, charge),
      refused: (response) => reject("rate_limited", response),
    });
  } catch (error) {
    metrics.rejected({ reason: "fault", source });
    throw error;
  }
}
