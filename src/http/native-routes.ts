// The monitoring tools' own webhooks, each at a URL of its own: received, previewed, quarantined and read again.

import type { Static } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { type Page, pageOf } from "../answers/field.ts";
import {
  type PreviewAnswer,
  previewAnswer,
  type QuarantineItem,
  quarantineItemAnswer,
  type RedriveAnswer,
  redriveAnswer,
  type SourceAnswer,
  sourceAnswer,
  takenAnswer,
} from "../answers/webhooks.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import { contractSource } from "../domain/quarantine.ts";
import type { Project } from "../domain/registry.ts";
import type { NativeReading } from "../intake/receive-native.ts";
import type { RedriveOutcome } from "../intake/redrive-quarantined.ts";
import { callerOf, projectOf } from "./access.ts";
import { badRequest, json, problem, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { keyOf } from "./native-key.ts";
import { answerHandshake, isKnown, noSuchSource, readWebhook, receiveWebhook } from "./native-webhook.ts";
import type { HttpDependencies, NativePort } from "./ports.ts";
import type { QueryTurns } from "./query-turns.ts";
import { tooMany, withinQuota } from "./rate-limit.ts";
import { waitForEventStore } from "./read-your-writes.ts";
import { requestIdOf } from "./request-id.ts";
import { quarantineQuery, redriveBody } from "./schemas.ts";
import { signatureRule } from "./signed.ts";
import { bodyReader, bodyTooLarge, queryReader } from "./validate.ts";

const readQuarantine = queryReader(quarantineQuery);
const readRedrive = bodyReader(redriveBody);

export function nativeRoutes(dependencies: HttpDependencies, turns: QueryTurns) {
  const { native } = dependencies;
  const detail = {
    parse: "none" as const,
    detail: documented({
      tag: "Webhooks",
      summary: "Record a tool's own webhook",
      description:
        "The key decides the project: X-API-Key, Authorization: Bearer, Basic with the key as password, or ?token=. `auto` recognises the tool. repo_uuid may stand in the query. Whatever is authenticated is answered 200: recorded, ignored with a reason, or kept in the quarantine.",
      answer: takenAnswer,
      errors: [400, 401, 404, 413, 429, 503],
      access: "key",
    }),
  };
  const take = ({ request, params }: { request: Request; params: { source: string } }): Promise<Response> =>
    receiveWebhook(request, params.source, dependencies);

  return new Elysia({ name: "native" })
    .post("/api/incidents/webhook/:source", take, detail)
    .put("/api/incidents/webhook/:source", take, {
      ...detail,
      detail: { ...detail.detail, summary: "Record the webhook of a tool that can only PUT" },
    })
    .options(
      "/api/incidents/webhook/:source",
      ({ request, params }) => answerHandshake(request, params.source, dependencies),
      {
        detail: documented({
          tag: "Webhooks",
          summary: "Tell a sender of CloudEvents that it may send",
          description: "Answers WebHook-Request-Origin with WebHook-Allowed-Origin, to a good key.",
          errors: [401, 404, 503],
          access: "key",
        }),
      },
    )
    .get("/api/incidents/webhook/:source", take, {
      detail: { ...detail.detail, summary: "Record the webhook of a tool that can only GET" },
    })
    .get(
      "/api/sources",
      () => json<Page<SourceAnswer>>({ items: native.sources.map(sourceItem), next_cursor: null }),
      {
        detail: documented({
          tag: "Webhooks",
          summary: "List the tools that are understood, and how to set each up",
          answer: pageOf(sourceAnswer),
          errors: [503],
          access: "open",
        }),
      },
    )
    .post(
      "/api/sources/:source/preview",
      ({ request, params }) => preview(request, params.source, dependencies),
      {
        parse: "none",
        detail: documented({
          tag: "Webhooks",
          summary: "Show what a payload would become, recording nothing",
          description:
            "Takes a key that may send webhooks, and counts against its quota as the webhook itself would.",
          answer: previewAnswer,
          errors: [401, 404, 413, 429, 503],
          access: "key",
        }),
      },
    )
    .get(
      "/api/projects/:project/quarantine",
      ({ request, params }) => listQuarantine(request, params.project, dependencies, turns),
      {
        detail: documented({
          tag: "Webhooks",
          summary: "List what no source could read, and what the contract's route refused",
          description:
            "Kept as it came, with the error that its sender was answered, if any; read it again once a new release, a new mapping or a new repository lets it be.",
          query: quarantineQuery,
          answer: pageOf(quarantineItemAnswer),
          errors: [400, 401, 404, 429, 503],
          access: "key",
        }),
      },
    )
    .post(
      "/api/projects/:project/quarantine/:quarantine/redrive",
      ({ request, params }) => redrive(request, params, dependencies),
      {
        parse: "none",
        detail: documented({
          tag: "Webhooks",
          summary: "Read a quarantined payload again",
          description:
            "With the time of its first receipt. Safe to repeat. As a source that signs it is read only where that signature was verified when it came; the admin key reads it all the same. Each signal counts against the key's quota.",
          body: redriveBody,
          answer: redriveAnswer,
          errors: [400, 401, 404, 413, 429, 503],
          access: "key",
        }),
      },
    );
}

async function listQuarantine(
  request: Request,
  uuid: string,
  dependencies: HttpDependencies,
  turns: QueryTurns,
): Promise<Response> {
  const caller = callerOf(request, dependencies);
  if (caller instanceof Response) return caller;
  const project = projectOf(caller, uuid, "read", dependencies);
  if (project instanceof Response) return project;
  const asked = readQuarantine(request);
  if (asked instanceof Response) return asked;
  const { limit = 50, cursor } = asked;
  return turns.take(caller, async () => {
    const refused = await waitForEventStore(asked, project.project_uuid, dependencies);
    if (refused !== undefined) return refused;
    try {
      const found = await dependencies.native.quarantine(project.project_uuid, {
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return found === undefined
        ? badRequest("cursor must be the next_cursor of the page before.")
        : json<Page<QuarantineItem>>(found);
    } catch (error) {
      return storeAway(error);
    }
  });
}

async function preview(request: Request, source: string, dependencies: HttpDependencies): Promise<Response> {
  const { native, quotas } = dependencies;
  const caller = callerOf(request, dependencies, keyOf(request));
  if (caller instanceof Response) return caller;
  let words: Project["mappings"] = {};
  if (caller.tag === "key") {
    const project = projectOf(caller, caller.key.project_uuid, "ingest", dependencies);
    if (project instanceof Response) return project;
    words = project.mappings;
  }
  if (!isKnown(source, native)) return noSuchSource();
  return withinQuota(caller, quotas, {
    answer: async (charge) => {
      const webhook = await readWebhook(request, source, dependencies);
      if (webhook instanceof Response) return webhook;
      const reading = native.preview(webhook, words);
      const signals = reading.tag === "signals" ? Math.max(1, reading.signals.length) : 1;
      const excess = charge.raise({ signals, bytes: 0 });
      return excess === undefined ? json<PreviewAnswer>(previewOf(reading)) : tooMany(excess);
    },
  });
}

async function redrive(
  request: Request,
  { project: uuid, quarantine }: { readonly project: string; readonly quarantine: string },
  dependencies: HttpDependencies,
): Promise<Response> {
  const { native, quotas } = dependencies;
  const caller = callerOf(request, dependencies);
  if (caller instanceof Response) return caller;
  const project = projectOf(caller, uuid, "ingest", dependencies);
  if (project instanceof Response) return project;
  const asked = await readOptionalBody(request, dependencies);
  if (asked instanceof Response) return asked;
  if (asked.source !== undefined && asked.source !== contractSource && !isKnown(asked.source, native)) {
    return noSuchSource();
  }
  const { source } = asked;
  return withinQuota(caller, quotas, {
    answer: async (charge) => {
      try {
        const outcome = await native.redrive(
          { quarantine_id: quarantine, now: dependencies.now(), ...(source === undefined ? {} : { source }) },
          {
            project_uuid: project.project_uuid,
            key_id: caller.tag === "admin" ? "admin" : caller.key.key_id,
            request_id: requestIdOf(request, dependencies.newRequestId),
            signatures: signatureRule(caller),
            words: project.mappings,
            charge,
          },
        );
        return answerRedrive(outcome, dependencies);
      } catch (error) {
        return storeAway(error);
      }
    },
  });
}

function answerRedrive(
  outcome: RedriveOutcome,
  { maxBodyBytes }: Pick<HttpDependencies, "maxBodyBytes">,
): Response {
  switch (outcome.tag) {
    case "redriven":
      return json<RedriveAnswer>({
        success: true,
        ...outcome.result,
        redriven_at: toRfc3339(outcome.result.redriven_at as Instant),
      });
    case "already":
      return json<RedriveAnswer>({
        success: true,
        outcome: "recorded",
        source: outcome.source,
        incident_ids: outcome.incident_ids,
      });
    case "not_found":
      return problem(404, "Not found", "The project's quarantine holds nothing with this id");
    case "not_signed":
      return notVerified(outcome.source);
    case "too_many":
      return tooMany(outcome.excess);
    case "unavailable":
      return unavailable(`The event store: ${outcome.reason}.`);
    case "too_large":
      return bodyTooLarge(maxBodyBytes);
    default:
      return outcome satisfies never;
  }
}

const notVerified = (source: string): Response =>
  problem(
    401,
    "Signature not verified",
    `When the payload came, no signature was verified as ${source} signs. The admin key may redrive it all the same.`,
  );

function previewOf(reading: NativeReading): PreviewAnswer {
  const { source, tag: outcome } = reading;
  return reading.tag === "signals"
    ? { source, outcome, signals: reading.signals, ignored: reading.ignored }
    : { source, outcome, signals: [], ignored: [], reason: reading.reason };
}

const sourceItem = ({ name, title, documentation, setup }: NativePort["sources"][number]): SourceAnswer => ({
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
