// POST /api/incidents/webhook/: the ingest contract's own route. Order: key, quota, size, signature, body, project,
// repository, append. A body that is refused is kept in the quarantine of the key's project before its 400 or 404.

import { Elysia } from "elysia";
import type { ErrorAnswer } from "../answers/errors.ts";
import { type WebhookAnswer, webhookAnswer } from "../answers/webhooks.ts";
import type { ProjectUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { contractSource } from "../domain/quarantine.ts";
import type { Project } from "../domain/registry.ts";
import { kindOf } from "../domain/status.ts";
import { type ContractReading, readContractWebhook } from "../intake/contract-webhook.ts";
import type { NativeWebhook } from "../intake/native-payload.ts";
import { type Charge, costOf } from "../intake/quotas.ts";
import type { RecordOutcome } from "../intake/record-webhook.ts";
import { type Caller, onceRead, projectOf } from "./access.ts";
import { json, problem, projectNotFound, repositoryNotFound, unavailable } from "./answer.ts";
import { readBody } from "./body.ts";
import { countedWebhook, type Reject } from "./counted-webhook.ts";
import { documented } from "./documentation.ts";
import { withoutKey } from "./native-key.ts";
import type { HttpDependencies, Rejection } from "./ports.ts";
import { tooMany } from "./rate-limit.ts";
import { requestIdOf } from "./request-id.ts";
import { webhookBody } from "./schemas.ts";
import { verifiedSignature } from "./signed.ts";
import { bodyTooLarge } from "./validate.ts";

export function webhookRoutes(dependencies: HttpDependencies) {
  return new Elysia({ name: "webhook" }).post(
    "/api/incidents/webhook",
    ({ request }) =>
      countedWebhook(
        { source: contractSource, secret: request.headers.get("x-api-key") },
        dependencies,
        (caller, reject, charge) => take(request, { caller, charge }, dependencies, reject),
      ),
    {
      parse: "none",
      detail: documented({
        tag: "Webhooks",
        summary: "Record a webhook",
        description:
          "Answers 200 once the event is durably stored. The same content sent again gets the same answer and changes nothing. JSON is read whatever the Content-Type says. The slash at the end is optional. A body that is answered 400 or 404 is kept in the quarantine of the key's project, with that answer.",
        body: webhookBody,
        answer: webhookAnswer,
        errors: [400, 401, 404, 413, 429, 503],
        access: "key",
      }),
    },
  );
}

interface Sender {
  readonly caller: Caller;
  readonly charge: Charge;
}

/** An error, what it is counted as, and what is known of where it belongs. */
interface Refused {
  readonly reason: Rejection;
  readonly response: Response;
  /** The project that it names, where the sender may send to that. */
  readonly project?: ProjectUuid;
}

async function take(
  request: Request,
  sender: Sender,
  dependencies: HttpDependencies,
  reject: Reject,
): Promise<Response> {
  const body = await readBody(request, dependencies.maxBodyBytes);
  if (body === "too_large") return reject("too_large", bodyTooLarge(dependencies.maxBodyBytes));
  if (body === "aborted") return reject("invalid", problem(400, "Invalid JSON", "The body ended early."));
  const signature = verifiedSignature({ request, body }, sender.caller, dependencies);
  if (signature instanceof Response) {
    return reject(signature.status === 401 ? "bad_signature" : "unavailable", signature);
  }
  const received_at = dependencies.now();
  const contentType = request.headers.get("content-type") ?? undefined;
  const request_id = requestIdOf(request, dependencies.newRequestId);
  const reading = readContractWebhook(body, contentType);
  const known = projectIn(reading, sender.caller, dependencies);
  const outcome =
    "reason" in known ? known : await record(known, { received_at, request_id }, sender, dependencies);
  if (outcome instanceof Response) return outcome;
  const webhook = (): NativeWebhook => ({
    body,
    ...(contentType === undefined ? {} : { content_type: contentType }),
    ...withoutKey(request),
    source: contractSource,
    received_at,
    signature,
  });
  const { reason, response } = await kept(outcome, { webhook, request_id }, sender, dependencies);
  return reject(reason, response);
}

/** A webhook in order, and its project. */
interface Known {
  readonly reading: Extract<ContractReading, { tag: "fields" | "test" }>;
  readonly project: Project;
}

function projectIn(
  reading: ContractReading,
  caller: Caller,
  dependencies: HttpDependencies,
): Known | Refused {
  if (reading.tag === "problem") {
    return { reason: "invalid", response: problem(400, reading.error, reading.details) };
  }
  // What is no UUID answers as any project that is not there.
  const project = projectOf(caller, reading.project_uuid, "ingest", dependencies);
  if (project instanceof Response) {
    return { reason: reasons.get(project.status) ?? "unauthorized", response: project };
  }
  if (reading.tag === "no_project") {
    return { reason: "unknown_project", response: projectNotFound(reading.project_uuid.slice(0, 64)) };
  }
  const { project_uuid } = project;
  const noRepository = (response: Response): Refused => ({
    reason: response.status === 404 ? "unknown_repository" : "unavailable",
    response,
    project: project_uuid,
  });
  if (reading.tag === "no_repository") {
    return noRepository(repositoryNotFound(reading.repo_uuid.slice(0, 64)));
  }
  const repo = reading.tag === "fields" ? reading.fields.repo_uuid : undefined;
  return repo === undefined || dependencies.registry.hasRepository(project_uuid, repo)
    ? { reading, project }
    : noRepository(onceRead(dependencies, repositoryNotFound(repo)));
}

async function record(
  { reading, project }: Known,
  { received_at, request_id }: { readonly received_at: Instant; readonly request_id: string },
  { caller, charge }: Sender,
  dependencies: HttpDependencies,
): Promise<Response | Refused> {
  const { metrics } = dependencies;
  if (reading.tag === "test") {
    metrics.webhook({ outcome: "test", kind: "none", source: contractSource });
    return json<WebhookAnswer>({
      success: true,
      message: "The test arrived; nothing was recorded",
      incident_id: "",
    });
  }
  const excess = charge.raise(costOf([reading.payload]));
  if (excess !== undefined) return { reason: "rate_limited", response: tooMany(excess) };
  const { fields, payload, repaired, charset } = reading;
  const startedAt = performance.now();
  const outcome = await dependencies.record(
    [{ fields, payload, repaired, ...(charset === undefined ? {} : { charset }) }],
    {
      project_uuid: project.project_uuid,
      key_id: keyIdOf(caller),
      source: contractSource,
      received_at,
      request_id,
    },
  );
  metrics.appended((performance.now() - startedAt) / 1000);
  switch (outcome.tag) {
    case "recorded":
      return answerRecorded(outcome, { reading, project }, dependencies);
    case "unavailable":
      return {
        reason: "unavailable",
        response: unavailable(`The webhook could not be stored: ${outcome.reason}.`),
      };
    case "too_large":
      return { reason: "too_large", response: bodyTooLarge(dependencies.maxBodyBytes) };
    default:
      return outcome satisfies never;
  }
}

function answerRecorded(
  outcome: Extract<RecordOutcome, { tag: "recorded" }>,
  of: { readonly reading: Extract<ContractReading, { tag: "fields" }>; readonly project: Project },
  { metrics, log }: HttpDependencies,
): Response {
  const { fields, repaired } = of.reading;
  const kind = kindOf(fields.status, of.project.mappings);
  metrics.webhook({ outcome: outcome.durability, kind: kind ?? "none", source: contractSource });
  if (repaired) metrics.repaired();
  if (kind === null) {
    metrics.unknownStatus();
    log.info(
      { status: fields.status.slice(0, 100), project_uuid: of.project.project_uuid },
      "a status that is neither an alert nor a recovery was recorded as it came",
    );
  }
  const [signal] = outcome.signals;
  return json<WebhookAnswer>({
    success: true,
    message: "Incident recorded successfully",
    incident_id: fields.incident_id,
    ...(signal === undefined ? {} : { event_id: signal.event_id }),
    kind,
    ...(signal?.position === undefined ? {} : { position: String(signal.position) }),
    durability: outcome.durability,
    ...(repaired ? { repaired: true } : {}),
  });
}

/**
 * Keeps a body that is answered 400 or 404, durably before it is answered; where nothing can keep it now the answer is the 503 of
 * a webhook that cannot be stored. Beyond what the key may store, or its project's quarantine takes, the answer stays
 * and nothing is kept. The admin key has no project of its own: a body that names no existing project is not kept.
 */
async function kept(
  refused: Refused,
  sent: { readonly webhook: () => NativeWebhook; readonly request_id: string },
  { caller, charge }: Sender,
  { keepRefused, metrics }: HttpDependencies,
): Promise<Refused> {
  const { response } = refused;
  const project_uuid = caller.tag === "admin" ? refused.project : caller.key.project_uuid;
  const maySend = caller.tag === "admin" || caller.key.scopes.includes("ingest");
  if ((response.status !== 400 && response.status !== 404) || project_uuid === undefined || !maySend) {
    return refused;
  }
  const webhook = sent.webhook();
  const { error, details } = (await response.clone().json()) as ErrorAnswer;
  const count = (outcome: Parameters<typeof metrics.quarantine>[0]["outcome"]): void =>
    metrics.quarantine({ outcome, source: contractSource });
  if (charge.raise({ signals: 1, bytes: webhook.body.length }) !== undefined) {
    count("full");
    return refused;
  }
  const outcome = await keepRefused(
    webhook,
    { reason: details, answer: { status: response.status, error } },
    { project_uuid, key_id: keyIdOf(caller), request_id: sent.request_id },
  );
  count(outcome.tag);
  return outcome.tag === "unavailable"
    ? {
        reason: "unavailable",
        response: unavailable(
          `The webhook is refused (${details}) and could not be kept: ${outcome.reason}.`,
        ),
      }
    : refused;
}

/** Why a webhook is not taken for its project; else the key lacks the scope. */
const reasons: ReadonlyMap<number, Rejection> = new Map([
  [404, "unknown_project"],
  [503, "unavailable"],
]);

const keyIdOf = (caller: Caller): string => (caller.tag === "admin" ? "admin" : caller.key.key_id);
