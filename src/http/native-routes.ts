// The monitoring tools' own webhooks, each at a URL of its own: received, previewed, quarantined and read again.

import { type Static, Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { parseRepoUuid, type RepoUuid } from "../domain/ids.ts";
import { toEpochMs } from "../domain/instant.ts";
import type { ApiKey } from "../domain/registry.ts";
import type { NativeWebhook } from "../intake/native-payload.ts";
import type { NativeReading, NativeTaken } from "../intake/receive-native.ts";
import { verifySignature } from "../intake/verify-signature.ts";
import type { SignatureScheme } from "../sources/source.ts";
import { authenticate, projectOf, requireProject } from "./access.ts";
import { badRequest, json, problem, unavailable } from "./answer.ts";
import { readBody } from "./body.ts";
import { documented } from "./documentation.ts";
import { page, previewExample, quarantineExample, sourceExample, takenExample } from "./examples.ts";
import { keyOf, withoutKey } from "./native-key.ts";
import { previewAnswer, quarantineItem, redriveBody, sourceAnswer, takenAnswer } from "./native-schemas.ts";
import type { HttpDependencies, NativePort } from "./ports.ts";
import { requestIdOf } from "./request-id.ts";
import { pageOf, pageQuery } from "./schemas.ts";
import { bodyReader, bodyTooLarge, queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);
const readRedrive = bodyReader(redriveBody);

export function nativeRoutes(dependencies: HttpDependencies, native: NativePort) {
  const detail = {
    parse: "none" as const,
    detail: documented({
      tag: "Webhooks",
      summary: "Record a tool's own webhook",
      description:
        "The key decides the project: X-API-Key, Authorization: Bearer, Basic with the key as password, or ?token=. `auto` recognises the tool. repo_uuid may stand in the query. Whatever is authenticated is answered 200: recorded, ignored with a reason, or kept in the quarantine.",
      answer: takenAnswer,
      example: takenExample,
      errors: [401, 404, 413, 503],
      access: "key",
    }),
  };
  const take = ({ request, params }: { request: Request; params: { source: string } }): Promise<Response> =>
    receive(request, params.source, dependencies, native);

  return new Elysia({ name: "native" })
    .post("/api/incidents/webhook/:source", take, detail)
    .put("/api/incidents/webhook/:source", take, { ...detail, detail: { ...detail.detail, hide: true } })
    .get("/api/incidents/webhook/:source", take, {
      detail: { ...detail.detail, summary: "Record the webhook of a tool that can only GET" },
    })
    .get("/api/sources", () => json({ items: native.sources.map(sourceItem), next_cursor: null }), {
      detail: documented({
        tag: "Webhooks",
        summary: "List the tools that are understood, and how to set each up",
        answer: pageOf(sourceAnswer),
        example: page(sourceExample),
        errors: [],
        access: "open",
      }),
    })
    .post(
      "/api/sources/:source/preview",
      async ({ request, params }) => {
        const caller = authenticate(keyOf(request), dependencies);
        if (caller instanceof Response) return caller;
        if (!isKnown(params.source, native)) return noSuchSource();
        const webhook = await readWebhook(request, params.source, dependencies);
        return webhook instanceof Response ? webhook : json(previewOf(native.preview(webhook)));
      },
      {
        parse: "none",
        detail: documented({
          tag: "Webhooks",
          summary: "Show what a payload would become, recording nothing",
          answer: previewAnswer,
          example: previewExample,
          errors: [401, 404, 413, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/quarantine",
      async ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const asked = readPage(request);
        if (asked instanceof Response) return asked;
        const limit = asked.limit ?? 50;
        try {
          const found = await native.quarantine(project.project_uuid, {
            limit,
            ...(asked.cursor === undefined ? {} : { cursor: asked.cursor }),
          });
          return found === undefined
            ? badRequest("cursor must be the next_cursor of the page before.")
            : json(found);
        } catch (error) {
          return storeAway(error);
        }
      },
      {
        detail: documented({
          tag: "Webhooks",
          summary: "List what no source could read",
          description: "Kept as it came; read it again once a new release or a new mapping can.",
          query: pageQuery,
          answer: pageOf(quarantineItem),
          example: page(quarantineExample),
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    )
    .post(
      "/api/projects/:project/quarantine/:quarantine/redrive",
      async ({ request, params }) => {
        const caller = authenticate(request.headers.get("x-api-key"), dependencies);
        if (caller instanceof Response) return caller;
        const project = projectOf(caller, params.project, "ingest", dependencies);
        if (project instanceof Response) return project;
        const asked = await readOptionalBody(request, dependencies);
        if (asked instanceof Response) return asked;
        if (asked.source !== undefined && !isKnown(asked.source, native)) return noSuchSource();
        try {
          const outcome = await native.redrive(
            {
              quarantine_id: params.quarantine,
              now: dependencies.now(),
              ...(asked.source === undefined ? {} : { source: asked.source }),
            },
            {
              project_uuid: project.project_uuid,
              key_id: caller.tag === "admin" ? "admin" : caller.key.key_id,
              request_id: requestIdOf(request, dependencies.newRequestId),
            },
          );
          switch (outcome.tag) {
            case "redriven":
              return json({ success: true, ...outcome.result });
            case "already":
              return json({ success: true, outcome: "recorded", ...outcome, tag: undefined });
            case "not_found":
              return problem(404, "Not found", "The project's quarantine holds nothing with this id");
            case "unavailable":
              return unavailable(`The event store: ${outcome.reason}.`);
            case "too_large":
              return bodyTooLarge(dependencies.maxBodyBytes);
            default:
              return outcome satisfies never;
          }
        } catch (error) {
          return storeAway(error);
        }
      },
      {
        parse: "none",
        detail: documented({
          tag: "Webhooks",
          summary: "Read a quarantined payload again",
          description: "With the time of its first receipt. Safe to repeat.",
          body: redriveBody,
          answer: t.Object({ success: t.Literal(true), outcome: t.String(), source: t.String() }),
          example: { success: true, outcome: "recorded", source: "alertmanager" },
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    );
}

async function receive(
  request: Request,
  source: string,
  dependencies: HttpDependencies,
  native: NativePort,
): Promise<Response> {
  // What looks whether the address is there (a monitor, a link preview) records nothing.
  if (request.method === "HEAD") return json({ success: true, message: "Nothing was recorded" });
  const { metrics } = dependencies;
  const known = isKnown(source, native);
  const label = known ? source : "unknown";
  const count = (outcome: string, kind = "none"): void => metrics.webhook({ outcome, kind, source: label });
  const caller = authenticate(keyOf(request), dependencies);
  if (caller instanceof Response) {
    count(caller.status === 401 ? "unauthorized" : "unavailable");
    return caller;
  }
  if (caller.tag === "admin") {
    return problem(
      401,
      "Project key required",
      "This route takes a project's key: the key decides the project.",
    );
  }
  const project = projectOf(caller, caller.key.project_uuid, "ingest", dependencies);
  if (project instanceof Response) return project;
  if (!known) {
    count("not_found");
    return noSuchSource();
  }
  const repo = repoOf(request);
  if (repo instanceof Response) return repo;
  if (repo !== undefined && !dependencies.registry.hasRepository(project.project_uuid, repo)) {
    count("not_found");
    return problem(404, "Repository not found", `Repository with UUID '${repo}' not found`);
  }
  const webhook = await readWebhook(request, source, dependencies);
  if (webhook instanceof Response) {
    count("too_large");
    return webhook;
  }
  const scheme = native.schemeOf(webhook);
  const refused = refuseUnsigned(webhook, scheme, caller.key, dependencies);
  if (refused !== undefined) {
    count(refused.status === 401 ? "unauthorized" : "unavailable");
    return refused;
  }
  const sns = scheme === "sns" ? await native.checkSns(webhook) : undefined;
  if (sns?.ok === false) {
    count(sns.tag === "refused" ? "unauthorized" : "unavailable");
    return sns.tag === "refused"
      ? problem(401, "Invalid signature", `It is refused: ${sns.reason}.`)
      : unavailable(`${sns.reason}.`);
  }
  const outcome = await native.receive(webhook, {
    project_uuid: project.project_uuid,
    key_id: caller.key.key_id,
    request_id: requestIdOf(request, dependencies.newRequestId),
    ...(repo === undefined ? {} : { repo_uuid: repo }),
  });
  switch (outcome.tag) {
    case "taken":
      for (const _ of outcome.signals) count("recorded");
      if (outcome.ignored > 0) {
        count("ignored");
        dependencies.log.info(
          // What SNS asks to be confirmed holds a token that is good once.
          {
            source: outcome.source,
            reason: outcome.source === "cloudwatch-sns" ? "SNS" : outcome.reason,
            key_id: caller.key.key_id,
          },
          "a webhook, or a part of it, is ignored",
        );
      }
      if (outcome.quarantined > 0) count("quarantined");
      return json({ ...takenItem(outcome), ...(sns?.note === undefined ? {} : { reason: sns.note }) });
    case "unavailable":
      count("unavailable");
      return unavailable(`The webhook could not be stored: ${outcome.reason}.`);
    case "too_large":
      count("too_large");
      return bodyTooLarge(dependencies.maxBodyBytes);
    default:
      return outcome satisfies never;
  }
}

/** A key with signing secrets takes what a signing tool sends only with the signature of one of them. */
function refuseUnsigned(
  webhook: NativeWebhook,
  scheme: SignatureScheme | undefined,
  key: ApiKey,
  { registry, log }: HttpDependencies,
): Response | undefined {
  const secrets = registry.signingSecrets(key);
  if (secrets === undefined) {
    log.error(
      { key_id: key.key_id },
      "a signing secret cannot be opened: SECRETS_KEY is not the one it was sealed with",
    );
    return unavailable("The signature cannot be verified at this moment.");
  }
  if (secrets.length === 0 || scheme === undefined || scheme === "sns") return undefined;
  const verified = verifySignature(scheme, webhook, secrets, toEpochMs(webhook.received_at));
  return verified.ok ? undefined : problem(401, "Invalid signature", `It is refused: ${verified.reason}.`);
}

async function readWebhook(
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

const isKnown = (source: string, { sources }: NativePort): boolean =>
  source === "auto" || sources.some(({ name }) => name === source);

const noSuchSource = (): Response =>
  problem(404, "Source not found", "There is no such source; GET /api/sources lists them");

function repoOf(request: Request): RepoUuid | undefined | Response {
  const text = new URL(request.url).searchParams.get("repo_uuid");
  if (text === null || text === "") return undefined;
  return (
    parseRepoUuid(text) ??
    problem(404, "Repository not found", `Repository with UUID '${text.slice(0, 64)}' not found`)
  );
}

const takenItem = (taken: NativeTaken): Static<typeof takenAnswer> => {
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
    ...(taken.quarantine_id === undefined ? {} : { quarantine_id: taken.quarantine_id }),
    ...(taken.reason === undefined ? {} : { reason: taken.reason }),
    ...(greatest === 0n ? {} : { position: String(greatest) }),
  };
};

function previewOf(reading: NativeReading): Static<typeof previewAnswer> {
  const { source, tag: outcome } = reading;
  return reading.tag === "signals"
    ? { source, outcome, signals: [...reading.signals], ignored: [...reading.ignored] }
    : { source, outcome, signals: [], ignored: [], reason: reading.reason };
}

const sourceItem = ({ name, title, documentation, setup }: NativePort["sources"][number]) => ({
  name,
  title,
  documentation,
  url: `/api/incidents/webhook/${name}`,
  setup,
});

async function readOptionalBody(
  request: Request,
  { maxBodyBytes }: HttpDependencies,
): Promise<Static<typeof redriveBody> | Response> {
  return request.body === null || request.headers.get("content-length") === "0"
    ? {}
    : readRedrive(request, maxBodyBytes);
}

function storeAway(error: unknown): Response {
  if (error instanceof Error && error.name === "EventLogUnavailable") {
    return unavailable("The event store cannot be read at this moment.");
  }
  throw error;
}
