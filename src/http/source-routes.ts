// Activity of a project's sources, its unknown status words, and the mapping of one of them.

import { setTimeout as pause } from "node:timers/promises";
import { Elysia } from "elysia";
import { type Page, pageOf } from "../answers/field.ts";
import { type MappingsAnswer, mappingsAnswer } from "../answers/registry.ts";
import {
  type SourceActivity,
  sourceActivityAnswer,
  type UnknownStatus,
  unknownStatusAnswer,
} from "../answers/sources.ts";
import type { ProjectUuid } from "../domain/ids.ts";
import type { Project } from "../domain/registry.ts";
import { adminProject, requireAdmin } from "./access.ts";
import { json, refusal } from "./answer.ts";
import { answerQuery } from "./answer-query.ts";
import { documented } from "./documentation.ts";
import type { HttpDependencies } from "./ports.ts";
import type { QueryTurns } from "./query-turns.ts";
import { requestIdOf } from "./request-id.ts";
import { mappingChangeBody, mappingsBody, readYourWriteQuery, unknownStatusesQuery } from "./schemas.ts";
import { bodyReader, queryReader } from "./validate.ts";

const readState = queryReader(readYourWriteQuery);
const readUnknown = queryReader(unknownStatusesQuery);
const readMappings = bodyReader(mappingsBody);
const readMappingChange = bodyReader(mappingChangeBody);

/** The answer waits so long for the payloads that are read again; the rest of them are all the same. */
const longestWaitMs = 5_000;

export function sourceRoutes(dependencies: HttpDependencies, turns: QueryTurns) {
  return new Elysia({ name: "project-sources" })
    .get(
      "/api/projects/:project/sources",
      ({ request, params }) =>
        answerQuery(request, params.project, readState, { dependencies, turns }, async (project) =>
          json<Page<SourceActivity>>(await dependencies.queries.sources(project.project_uuid)),
        ),
      { detail: sourcesDetail() },
    )
    .get(
      "/api/projects/:project/unknown-statuses",
      ({ request, params }) =>
        answerQuery(request, params.project, readUnknown, { dependencies, turns }, async (project, asked) =>
          json<Page<UnknownStatus>>(
            await dependencies.queries.unknownStatuses(project.project_uuid, project.mappings, {
              limit: asked.limit ?? 50,
              cursor: asked.cursor,
            }),
          ),
        ),
      { detail: unknownDetail() },
    )
    .put(
      "/api/projects/:project/status-mappings",
      ({ request, params }) => changeMappings(request, params.project, "replace", dependencies),
      { parse: "none", detail: replaceDetail() },
    )
    .patch(
      "/api/projects/:project/status-mappings",
      ({ request, params }) => changeMappings(request, params.project, "change", dependencies),
      { parse: "none", detail: changeDetail() },
    );
}

async function changeMappings(
  request: Request,
  projectText: string,
  how: "replace" | "change",
  dependencies: HttpDependencies,
): Promise<Response> {
  const { registry, maxBodyBytes } = dependencies;
  const denied = requireAdmin(request, dependencies);
  if (denied !== undefined) return denied;
  const project = adminProject(projectText, dependencies);
  if (project instanceof Response) return project;
  const asked = await (how === "replace" ? readMappings : readMappingChange)(request, maxBodyBytes);
  if (asked instanceof Response) return asked;
  const change = how === "replace" ? registry.mapStatuses : registry.changeMappings;
  const made = await change(project.uuid, asked);
  if (!made.ok) return refusal(made.refusal);
  const request_id = requestIdOf(request, dependencies.newRequestId);
  await redriven({ project_uuid: project.uuid, words: made.made, request_id }, dependencies);
  return json<MappingsAnswer>(made.made);
}

/** Waits for what is read again by the new words, but not for long; the mapping is stored whatever comes of it. */
async function redriven(
  of: {
    readonly project_uuid: ProjectUuid;
    readonly words: Project["mappings"];
    readonly request_id: string;
  },
  { native, log, now }: Pick<HttpDependencies, "native" | "log" | "now">,
): Promise<void> {
  const { project_uuid } = of;
  const all = native.redriveMapped({ ...of, key_id: "admin", now: now() }).then(
    (recorded) => {
      if (recorded > 0)
        log.info({ project_uuid, recorded }, "quarantined payloads were read by their new words");
    },
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn(
        { project_uuid, reason },
        "reading quarantined payloads again has failed; map their words once more",
      );
    },
  );
  const patience = new AbortController();
  const late = pause(longestWaitMs, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([all, late]);
  patience.abort();
}

const sourcesDetail = () =>
  documented({
    tag: "Webhooks",
    summary: "Show what came from each source, and when the last of it",
    description:
      "Sources from which something was recorded, ignored or quarantined, by name. Ignored webhooks are counted within 10 s, with fresh=true those of this process at once.",
    query: readYourWriteQuery,
    answer: pageOf(sourceActivityAnswer),
    errors: [400, 401, 404, 429, 503],
    access: "key",
  });
const unknownDetail = () =>
  documented({
    tag: "Webhooks",
    summary: "List status words that nobody knows, with a suggestion for each",
    description:
      "Of what was recorded, and of quarantined payloads whose source does not know the word. The most frequent first.",
    query: unknownStatusesQuery,
    answer: pageOf(unknownStatusAnswer),
    errors: [400, 401, 404, 429, 503],
    access: "key",
  });
const replaceDetail = () =>
  documented({
    tag: "Projects",
    summary: "Replace a project's status mappings",
    description:
      "Words are compared trimmed and in upper case. Signals recorded before are mapped anew, and quarantined payloads whose source did not know a word are read again.",
    body: mappingsBody,
    answer: mappingsAnswer,
    errors: [400, 401, 404, 413, 503],
    access: "admin",
  });
const changeDetail = () =>
  documented({
    tag: "Projects",
    summary: "Map a status word, and leave the others as they are",
    description:
      "One word or several; null maps a word no more. Otherwise like PUT. Answers all of the project's mappings.",
    body: mappingChangeBody,
    answer: mappingsAnswer,
    errors: [400, 401, 404, 413, 503],
    access: "admin",
  });
