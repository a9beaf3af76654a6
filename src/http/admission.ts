// Who is let in while there is more to do than can be done: at most so many requests are handled at once and so many
// bytes of bodies held, and none who sends much may take what the others need. Stands before the routes, so that a
// refusal costs next to nothing. Authenticates nobody: a key that is wrong holds its place for no time at all.

import { setTimeout as pause } from "node:timers/promises";
import { createFairShare, type FairShare } from "../domain/fair-share.ts";
import { problem } from "./answer.ts";
import type { HttpApp } from "./app.ts";
import { keyOf } from "./native-key.ts";
import type { HttpDependencies } from "./ports.ts";
import { requestIdOf } from "./request-id.ts";

export interface AdmissionBounds {
  /** Webhooks handled at once. More than go to the event store at once: the others are for the spool. */
  readonly webhooks: number;
  /** All other requests: above all those that wait for Postgres. */
  readonly others: number;
  /** Bytes of bodies, as announced; one that announces none counts as the largest. */
  readonly bodyBytes: number;
  /** Those that found no place and ask once more, `waitMs` later. */
  readonly waiting: number;
  readonly waitMs: number;
}

const usualBounds: AdmissionBounds = {
  webhooks: 2_048,
  others: 512,
  bodyBytes: 64 * 1024 * 1024,
  waiting: 4_096,
  waitMs: 200,
};
/** What is larger does not wait: the runtime may hold what has come of it. */
const longestWaitingBody = 16 * 1024;
const webhookPath = "/api/incidents/webhook";
const logEveryMs = 10_000;

export function admission(
  options: Pick<HttpDependencies, "metrics" | "log" | "newRequestId" | "maxBodyBytes"> & {
    readonly handle: HttpApp["handle"];
    readonly bounds?: Partial<AdmissionBounds>;
  },
): HttpApp["handle"] {
  const bounds = { ...usualBounds, ...options.bounds };
  const webhooks = createFairShare(bounds.webhooks);
  const others = createFairShare(bounds.others);
  const bodies = createFairShare(bounds.bodyBytes);
  const waiting = createFairShare(bounds.waiting);
  const refuse = refusing(options);

  return async (request) => {
    const isWebhook = pathOf(request.url).startsWith(webhookPath);
    const share: FairShare = isWebhook ? webhooks : others;
    // Never kept beyond the request, which holds it anyway.
    const holder = keyOf(request) ?? "";
    const bytes = bodyBytes(request, options.maxBodyBytes);
    const enter = (): boolean => {
      if (!share.take(holder, 1)) return false;
      if (bytes === 0 || bodies.take(holder, bytes)) return true;
      share.give(holder, 1);
      return false;
    };
    if (!enter()) {
      // A short burst is over by then. And who is refused cannot send again so soon: refusing many at once would take
      // the time that those need who are let in.
      const mayWait = bytes <= longestWaitingBody && waiting.take(holder, 1);
      if (!mayWait) return refuse(request, isWebhook);
      await pause(bounds.waitMs);
      waiting.give(holder, 1);
      if (!enter()) return refuse(request, isWebhook);
    }
    try {
      return await options.handle(request);
    } finally {
      share.give(holder, 1);
      if (bytes > 0) bodies.give(holder, bytes);
    }
  };
}

function refusing({
  metrics,
  log,
  newRequestId,
}: Pick<HttpDependencies, "metrics" | "log" | "newRequestId">): (
  request: Request,
  isWebhook: boolean,
) => Response {
  let refused = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (request, isWebhook) => {
    refused += 1;
    if (isWebhook) metrics.rejected({ reason: "overloaded", source: "unknown" });
    metrics.request({ method: request.method, route: "unknown", status: 503 }, 0);
    const now = performance.now();
    if (now - loggedAt >= logEveryMs) {
      loggedAt = now;
      log.warn({ refused }, "overloaded: requests are refused, first those of whoever sends most");
    }
    const answer = problem(503, "Service unavailable", "Too many requests are being handled; send it again.");
    answer.headers.set("X-Request-Id", requestIdOf(request, newRequestId));
    return answer;
  };
}

/** HTTP/1.0 without a host makes a URL of the path alone. */
function pathOf(url: string): string {
  const host = url.indexOf("://");
  const start = host < 0 ? 0 : url.indexOf("/", host + 3);
  return start < 0 ? "/" : url.slice(start, start + webhookPath.length);
}

/** What is announced as larger than allowed is refused before it is read, and holds nothing. */
function bodyBytes(request: Request, maxBytes: number): number {
  const announced = request.headers.get("content-length");
  if (announced === null) return request.headers.get("transfer-encoding") === null ? 0 : maxBytes;
  const bytes = Number(announced);
  return Number.isSafeInteger(bytes) && bytes > 0 && bytes <= maxBytes ? bytes : 0;
}
