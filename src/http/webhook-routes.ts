// POST /api/incidents/webhook/: the ingest contract's own route. Order: key, quota, size, signature, body, project,
// repository, append.

import { Elysia } from "elysia";
import { type WebhookAnswer, webhookAnswer } from "../answers/webhooks.ts";
import { kindOf } from "../domain/status.ts";
import { readContractWebhook } from "../intake/contract-webhook.ts";
import { type Charge, costOf } from "../intake/quotas.ts";
import { type Caller, onceRead, projectOf } from "./access.ts";
import { json, problem, projectNotFound, repositoryNotFound, unavailable } from "./answer.ts";
import { readBody } from "./body.ts";
import { countedWebhook, type Reject } from "./counted-webhook.ts";
import { documented } from "./documentation.ts";
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
        { source: "contract", secret: request.headers.get("x-api-key") },
        dependencies,
        (caller, reject, charge) => take(request, { caller, charge }, dependencies, reject),
      ),
    {
      parse: "none",
      detail: documented({
        tag: "Webhooks",
        summary: "Record a webhook",
        description:
          "Answers 200 once the event is durably stored. The same content sent again gets the same answer and changes nothing. JSON is read whatever the Content-Type says. The slash at the end is optional.",
        body: webhookBody,
        answer: webhookAnswer,
        errors: [400, 401, 404, 413, 429, 503],
        access: "key",
      }),
    },
  );
}

async function take(
  request: Request,
  { caller, charge }: { readonly caller: Caller; readonly charge: Charge },
  dependencies: HttpDependencies,
  reject: Reject,
): Promise<Response> {
  const { metrics } = dependencies;
  const count = (outcome: string, kind = "none"): void =>
    metrics.webhook({ outcome, kind, source: "contract" });
  const body = await readBody(request, dependencies.maxBodyBytes);
  if (body === "too_large") return reject("too_large", bodyTooLarge(dependencies.maxBodyBytes));
  if (body === "aborted") return reject("invalid", problem(400, "Invalid JSON", "The body ended early."));
  const signature = verifiedSignature({ request, body }, caller, dependencies);
  if (signature instanceof Response) {
    return reject(signature.status === 401 ? "bad_signature" : "unavailable", signature);
  }
  const reading = readContractWebhook(body, request.headers.get("content-type") ?? undefined);
  if (reading.tag === "problem") return reject("invalid", problem(400, reading.error, reading.details));
  // What is no UUID answers as any project that is not there.
  const project = projectOf(caller, reading.project_uuid, "ingest", dependencies);
  if (project instanceof Response) {
    return reject(reasons.get(project.status) ?? "unauthorized", project);
  }
  if (reading.tag === "no_project") {
    return reject("unknown_project", projectNotFound(reading.project_uuid.slice(0, 64)));
  }
  if (reading.tag === "no_repository") {
    return reject("unknown_repository", repositoryNotFound(reading.repo_uuid.slice(0, 64)));
  }
  if (reading.tag === "test") {
    count("test");
    return json<WebhookAnswer>({
      success: true,
      message: "The test arrived; nothing was recorded",
      incident_id: "",
    });
  }
  const { fields } = reading;
  if (
    fields.repo_uuid !== undefined &&
    !dependencies.registry.hasRepository(project.project_uuid, fields.repo_uuid)
  ) {
    const missing = onceRead(dependencies, repositoryNotFound(fields.repo_uuid));
    return reject(missing.status === 404 ? "unknown_repository" : "unavailable", missing);
  }
  const excess = charge.raise(costOf([reading.payload]));
  if (excess !== undefined) return reject("rate_limited", tooMany(excess));
  const startedAt = performance.now();
  const outcome = await dependencies.record(
    [
      {
        fields,
        payload: reading.payload,
        repaired: reading.repaired,
        ...(reading.charset === undefined ? {} : { charset: reading.charset }),
      },
    ],
    {
      project_uuid: project.project_uuid,
      key_id: keyIdOf(caller),
      source: "contract",
      received_at: dependencies.now(),
      request_id: requestIdOf(request, dependencies.newRequestId),
    },
  );
  metrics.appended((performance.now() - startedAt) / 1000);
  switch (outcome.tag) {
    case "recorded": {
      const kind = kindOf(fields.status, project.mappings);
      count(outcome.durability, kind ?? "none");
      if (reading.repaired) metrics.repaired();
      if (kind === null) {
        metrics.unknownStatus();
        dependencies.log.info(
          { status: fields.status.slice(0, 100), project_uuid: project.project_uuid },
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
        ...(reading.repaired ? { repaired: true } : {}),
      });
    }
    case "unavailable":
      return reject("unavailable", unavailable(`The webhook could not be stored: ${outcome.reason}.`));
    case "too_large":
      return reject("too_large", bodyTooLarge(dependencies.maxBodyBytes));
    default:
      return outcome satisfies never;
  }
}

/** Why a webhook is not taken for its project; else the key lacks the scope. */
const reasons: ReadonlyMap<number, Rejection> = new Map([
  [404, "unknown_project"],
  [503, "unavailable"],
]);

const keyIdOf = (caller: Caller): string => (caller.tag === "admin" ? "admin" : caller.key.key_id);
