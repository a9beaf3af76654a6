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
  /**
   * Webhooks handled at once. One who sends alone gets half: more than go to the event store at once, since what that has
   * no room for is spooled.
   */
  readonly webhooks: number;
  /** All other requests: above all those that wait for Postgres. */
  readonly others: number;
  /** Bytes of bodies, as announced; one that announces none counts as the largest. */
  readonly bodyBytes: number;
  /** Those that found no place and ask again every `askEveryMs`, for at most `waitMs`. */
  readonly waiting: number;
  readonly askEveryMs: number;
  readonly waitMs: number;
}

const usualBounds: AdmissionBounds = {
  webhooks: 2_048,
  others: 512,
  bodyBytes: 64 * 1024 * 1024,
  waiting: 4_096,
  askEveryMs: 100,
  waitMs: 200,
};
/** What is larger does not wait: the runtime may hold what has come of it. */
const longestWaitingBody = 16 * 1024;
const webhookPath = "/api/incidents/webhook";
const healthPath = "/health/";
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

  const letIn = async (request: Request): Promise<Response> => {
    const path = pathOf(request.url);
    // Who asks how the service is must hear it also while others flood it; the answers cost next to nothing.
    if (path.startsWith(healthPath)) return options.handle(request);
    const isWebhook = path.startsWith(webhookPath);
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
      // A short burst is over by then. And who waits cannot send again meanwhile: refusing many at once would take the time that
      // those need who are let in.
      const mayWait = bytes <= longestWaitingBody && waiting.take(holder, 1);
      if (!mayWait) return refuse(request, isWebhook);
      const isIn = await entered(enter, bounds);
      waiting.give(holder, 1);
      if (!isIn) return refuse(request, isWebhook);
    }
    try {
      return await options.handle(request);
    } finally {
      share.give(holder, 1);
      if (bytes > 0) bodies.give(holder, bytes);
    }
  };
  return (request) =>
    letIn(request).catch((error) => {
      // Its message may quote the address, and with it a key.
      const request_id = requestIdOf(request, options.newRequestId);
      options.log.error({ request_id, reason: (error as Error)?.name }, "a request met a fault");
      return problem(500, "Internal error", "The service met a fault; its log has this request's id.");
    });
}

/** Asks again and again, until it is let in or has waited for as long as it may. */
async function entered(enter: () => boolean, { askEveryMs, waitMs }: AdmissionBounds): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < waitMs; waitedMs += askEveryMs) {
    await pause(askEveryMs);
    if (enter()) return true;
  }
  return false;
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
