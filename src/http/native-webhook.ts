// A monitoring tool's own webhook as it comes: whose it is, whether it is signed as it must be, and what became of it.
// Order: key, quota, source, repository, size, signature, reading. Every one is counted once.

import type { TakenAnswer } from "../answers/webhooks.ts";
import { parseRepoUuid, type RepoUuid } from "../domain/ids.ts";
import type { ApiKey } from "../domain/registry.ts";
import type { NativeWebhook } from "../intake/native-payload.ts";
import type { Charge } from "../intake/quotas.ts";
import type { NativeTaken } from "../intake/receive-native.ts";
import { authenticate, onceRead, projectOf } from "./access.ts";
import { badRequest, json, problem, unavailable } from "./answer.ts";
import { readBody } from "./body.ts";
import { countedWebhook, type Reject } from "./counted-webhook.ts";
import { keyOf, withoutKey } from "./native-key.ts";
import type { HttpDependencies, NativePort } from "./ports.ts";
import { quarantineFull, tooMany } from "./rate-limit.ts";
import { requestIdOf } from "./request-id.ts";
import { badSignature, signatureRule, verifiedSignature } from "./signed.ts";
import { bodyTooLarge } from "./validate.ts";

type ProjectKey = { readonly tag: "key"; readonly key: ApiKey };

export async function receiveWebhook(
  request: Request,
  source: string,
  dependencies: HttpDependencies,
): Promise<Response> {
  // What looks whether the address is there (a monitor, a link preview) records nothing.
  if (request.method === "HEAD") return new Response(null);
  const label = isKnown(source, dependencies.native) ? source : "unknown";
  return countedWebhook(
    { source: label, secret: keyOf(request) },
    dependencies,
    async (caller, reject, charge) => {
      if (caller.tag === "key") return take({ request, source }, { ...caller, charge }, dependencies, reject);
      const details = "This route takes a project's key: the key decides the project.";
      return reject("unauthorized", problem(401, "Project key required", details));
    },
  );
}

async function take(
  { request, source }: { readonly request: Request; readonly source: string },
  caller: ProjectKey & { readonly charge: Charge },
  dependencies: HttpDependencies,
  reject: Reject,
): Promise<Response> {
  const { native } = dependencies;
  const project = projectOf(caller, caller.key.project_uuid, "ingest", dependencies);
  if (project instanceof Response)
    return reject(project.status === 503 ? "unavailable" : "unauthorized", project);
  if (!isKnown(source, native)) return reject("unknown_source", noSuchSource());
  const repo = repoOf(request);
  if (repo instanceof Response) return reject("unknown_repository", repo);
  if (repo !== undefined && !dependencies.registry.hasRepository(project.project_uuid, repo)) {
    const missing = onceRead(dependencies, repositoryMissing(repo));
    return reject(missing.status === 404 ? "unknown_repository" : "unavailable", missing);
  }
  const webhook = await readWebhook(request, source, dependencies);
  if (webhook instanceof Response) {
    return reject(webhook.status === 413 ? "too_large" : "invalid", webhook);
  }
  const verified = await signatureOf(request, webhook, caller, dependencies, reject);
  if (verified instanceof Response) return verified;
  const signed: NativeWebhook = { ...webhook, signature: verified.signature };
  const outcome = await native.receive(signed, {
    project_uuid: project.project_uuid,
    key_id: caller.key.key_id,
    signatures: signatureRule(caller),
    words: project.mappings,
    charge: caller.charge,
    request_id: requestIdOf(request, dependencies.newRequestId),
    ...(repo === undefined ? {} : { repo_uuid: repo }),
  });
  return answerOf(outcome, { source, note: verified.note, key_id: caller.key.key_id }, dependencies, reject);
}

/** How the webhook is signed, and SNS's word on it; or the answer where it is not signed as it must be. */
async function signatureOf(
  request: Request,
  webhook: NativeWebhook,
  caller: ProjectKey,
  dependencies: HttpDependencies,
  reject: Reject,
): Promise<(Required<Pick<NativeWebhook, "signature">> & { readonly note?: string | undefined }) | Response> {
  const { native } = dependencies;
  const signature = verifiedSignature({ request, body: webhook.body }, caller, dependencies);
  if (signature instanceof Response) {
    return reject(signature.status === 401 ? "bad_signature" : "unavailable", signature);
  }
  if (signature !== "none" || !native.isSignedBySns(webhook)) return { signature };
  const sns = await native.checkSns(webhook);
  if (sns.ok) return { signature: "sns", note: sns.note };
  return sns.tag === "refused"
    ? reject("bad_signature", problem(401, "Invalid signature", `It is refused: ${sns.reason}.`))
    : reject("unavailable", unavailable(`${sns.reason}.`));
}

function answerOf(
  outcome: Awaited<ReturnType<NativePort["receive"]>>,
  webhook: { readonly source: string; readonly note: string | undefined; readonly key_id: string },
  { metrics, log, maxBodyBytes }: HttpDependencies,
  reject: Reject,
): Response {
  const count = (what: string): void =>
    metrics.webhook({ outcome: what, kind: "none", source: webhook.source });
  switch (outcome.tag) {
    case "taken":
      countTaken(outcome, count, { metrics, log, key_id: webhook.key_id });
      return json<TakenAnswer>({
        ...takenItem(outcome),
        ...(webhook.note === undefined ? {} : { reason: webhook.note }),
      });
    case "not_signed":
      return reject("bad_signature", badSignature(`${outcome.source} signs in another way`));
    case "too_many":
      return reject("rate_limited", tooMany(outcome.excess));
    case "quarantine_full":
      metrics.quarantine({ outcome: "full", source: webhook.source });
      return reject("quarantine_full", quarantineFull(outcome.waitSeconds));
    case "unavailable":
      return reject("unavailable", unavailable(`The webhook could not be stored: ${outcome.reason}.`));
    case "too_large":
      return reject("too_large", bodyTooLarge(maxBodyBytes));
    default:
      return outcome satisfies never;
  }
}

/** Counts what became of a webhook, and says in the log that something of it was passed over. */
function countTaken(
  outcome: NativeTaken,
  count: (outcome: string) => void,
  { metrics, log, key_id }: Pick<HttpDependencies, "metrics" | "log"> & { readonly key_id: string },
): void {
  for (const _ of outcome.signals) count(outcome.durability);
  if (outcome.ignored > 0) {
    count("ignored");
    // What SNS asks to be confirmed holds a token that is good once.
    const reason = outcome.reason?.startsWith("SNS asks") === true ? "SNS" : outcome.reason;
    log.info({ source: outcome.source, reason, key_id }, "a webhook, or a part of it, is ignored");
  }
  for (const cause of outcome.causes ?? []) metrics.ignored(outcome.source, cause);
  if (outcome.quarantined > 0) {
    count("quarantined");
    metrics.quarantine({ outcome: "kept", source: outcome.source });
  }
  if (outcome.repaired === true) metrics.repaired();
  if (outcome.left_out !== undefined) metrics.leftOut(outcome.source, outcome.left_out);
}

/**
 * What a sender of CloudEvents asks before it sends anything (HTTP 1.1 Web Hooks for Event Delivery, section 4): whether it
 * may. A good key says yes to whoever holds it, at any rate.
 */
export function answerHandshake(request: Request, source: string, dependencies: HttpDependencies): Response {
  const caller = authenticate(keyOf(request), dependencies);
  if (caller instanceof Response) return caller;
  if (caller.tag === "key") {
    const project = projectOf(caller, caller.key.project_uuid, "ingest", dependencies);
    if (project instanceof Response) return project;
  }
  if (!isKnown(source, dependencies.native)) return noSuchSource();
  const headers = new Headers({ Allow: "GET, HEAD, OPTIONS, POST, PUT" });
  const origin = request.headers.get("webhook-request-origin");
  if (origin !== null) {
    headers.set("WebHook-Allowed-Origin", origin);
    headers.set("WebHook-Allowed-Rate", "*");
  }
  return new Response(null, { headers });
}

export async function readWebhook(
  request: Request,
  source: string,
  { maxBodyBytes, now }: HttpDependencies,
): Promise<NativeWebhook | Response> {
  const body = await readBody(request, maxBodyBytes);
  if (body === "too_large") return bodyTooLarge(maxBodyBytes);
  if (body === "aborted") return badRequest("The body ended early.");
  const contentType = request.headers.get("content-type");
  return {
    body,
    ...(contentType === null ? {} : { content_type: contentType }),
    ...withoutKey(request),
    source,
    received_at: now(),
  };
}

export const isKnown = (source: string, { sources }: NativePort): boolean =>
  source === "auto" || sources.some(({ name }) => name === source);

export const noSuchSource = (): Response =>
  problem(404, "Source not found", "There is no such source; GET /api/sources lists them");

const repositoryMissing = (repo: string): Response =>
  problem(404, "Repository not found", `Repository with UUID '${repo}' not found`);

function repoOf(request: Request): RepoUuid | undefined | Response {
  const text = new URL(request.url).searchParams.get("repo_uuid");
  if (text === null || text === "") return undefined;
  return parseRepoUuid(text) ?? repositoryMissing(text.slice(0, 64));
}

const takenItem = (taken: NativeTaken): TakenAnswer => {
  let greatest = 0n;
  for (const position of taken.positions) if (position > greatest) greatest = position;
  return {
    success: true,
    message:
      taken.recorded > 0
        ? "Incident recorded successfully"
        : taken.quarantined > 0
          ? "Not understood; kept in the quarantine"
          : "Ignored",
    source: taken.source,
    incident_ids: [...taken.incident_ids],
    recorded: taken.recorded,
    ignored: taken.ignored,
    quarantined: taken.quarantined,
    durability: taken.durability,
    ...(taken.left_out === undefined ? {} : { left_out: taken.left_out }),
    ...(taken.repaired === undefined ? {} : { repaired: taken.repaired }),
    ...(taken.validation_code === undefined ? {} : { validationResponse: taken.validation_code }),
    ...(taken.quarantine_id === undefined ? {} : { quarantine_id: taken.quarantine_id }),
    ...(taken.reason === undefined ? {} : { reason: taken.reason }),
    ...(greatest === 0n ? {} : { position: String(greatest) }),
  };
};
