// Projects, repositories, API keys and status mappings: what the admin key may do. Rules are the registry's, not HTTP's.

import { Elysia } from "elysia";
import type { Page } from "../domain/answers.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import type { ApiKey, Project, Repository } from "../domain/registry.ts";
import { adminProject, requireAdmin, requireProject } from "./access.ts";
import { json, refusal } from "./answer.ts";
import { documented } from "./documentation.ts";
import {
  issuedKeyExample,
  keyExample,
  mappingsExample,
  page,
  projectExample,
  repositoryExample,
} from "./examples.ts";
import { listPage } from "./list-page.ts";
import type { HttpDependencies } from "./ports.ts";
import {
  issuedKeyAnswer,
  keyAnswer,
  keyBody,
  mappingsBody,
  noQuery,
  pageOf,
  pageQuery,
  projectAnswer,
  projectBody,
  projectChangeBody,
  repositoryAnswer,
  repositoryBody,
} from "./schemas.ts";
import { bodyReader, queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);
const readNone = queryReader(noQuery);
const readProject = bodyReader(projectBody);
const readProjectChange = bodyReader(projectChangeBody);
const readRepository = bodyReader(repositoryBody);
const readKey = bodyReader(keyBody);
const readMappings = bodyReader(mappingsBody);

export function registryRoutes(dependencies: HttpDependencies) {
  const { registry, now, maxBodyBytes, queries, log } = dependencies;
  const admin = <T>(request: Request, run: () => T | Response): T | Response =>
    requireAdmin(request, dependencies) ?? run();

  return new Elysia({ name: "registry" })
    .post(
      "/api/projects",
      ({ request }) =>
        admin(request, async () => {
          const asked = await readProject(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.registerProject(asked, now());
          return made.ok ? json(projectItem(made.made), 201) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Register a project",
          body: projectBody,
          answer: projectAnswer,
          example: projectExample,
          status: 201,
          errors: [400, 401, 409, 413, 503],
          access: "admin",
        }),
      },
    )
    .get(
      "/api/projects",
      ({ request }) =>
        admin(request, () => {
          const page = readPage(request);
          if (page instanceof Response) return page;
          return answerPage(
            listPage(registry.projects(), page, byCreation, ({ project_uuid }) => project_uuid),
            projectItem,
          );
        }),
      {
        detail: documented({
          tag: "Projects",
          summary: "List projects",
          query: pageQuery,
          answer: pageOf(projectAnswer),
          example: page(projectExample),
          errors: [400, 401, 503],
          access: "admin",
        }),
      },
    )
    .get(
      "/api/projects/:project",
      ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const query = readNone(request);
        return query instanceof Response ? query : json(projectItem(project));
      },
      {
        detail: documented({
          tag: "Projects",
          summary: "Show a project",
          answer: projectAnswer,
          example: projectExample,
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    )
    .patch(
      "/api/projects/:project",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const asked = await readProjectChange(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.changeProject(project.uuid, asked);
          return made.ok ? json(projectItem(made.made)) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Rename a project, or change how far its orphan recoveries may be matched",
          body: projectChangeBody,
          answer: projectAnswer,
          example: projectExample,
          errors: [400, 401, 404, 413, 503],
          access: "admin",
        }),
      },
    )
    .post(
      "/api/projects/:project/repositories",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const asked = await readRepository(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.registerRepository(project.uuid, asked, now());
          return made.ok ? json(repositoryItem(made.made), 201) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Register a repository",
          body: repositoryBody,
          answer: repositoryAnswer,
          example: repositoryExample,
          status: 201,
          errors: [400, 401, 404, 409, 413, 503],
          access: "admin",
        }),
      },
    )
    .get(
      "/api/projects/:project/repositories",
      ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const page = readPage(request);
        if (page instanceof Response) return page;
        const all = [...project.repositories.values()];
        return answerPage(
          listPage(all, page, byCreation, ({ repo_uuid }) => repo_uuid),
          repositoryItem,
        );
      },
      {
        detail: documented({
          tag: "Projects",
          summary: "List a project's repositories",
          query: pageQuery,
          answer: pageOf(repositoryAnswer),
          example: page(repositoryExample),
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    )
    .post(
      "/api/projects/:project/keys",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const asked = await readKey(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.issueKey(project.uuid, asked, now());
          if (!made.ok) return refusal(made.refusal);
          const { key, secret } = made.made;
          const { key_id, label, scopes } = key;
          return json(
            {
              key_id,
              key: secret,
              label,
              scopes,
              expires_at: printed(key.expires_at),
              created_at: printed(key.created_at),
            },
            201,
          );
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Issue an API key",
          description:
            "The key is told in this answer and never again. A project may have several live keys.",
          body: keyBody,
          answer: issuedKeyAnswer,
          example: issuedKeyExample,
          status: 201,
          errors: [400, 401, 404, 413, 503],
          access: "admin",
        }),
      },
    )
    .get(
      "/api/projects/:project/keys",
      ({ request, params }) =>
        admin(request, async () => {
          const uuid = adminProject(params.project, dependencies);
          if (uuid instanceof Response) return uuid;
          const page = readPage(request);
          if (page instanceof Response) return page;
          const keys = [...(registry.project(uuid.uuid)?.keys.values() ?? [])];
          const recorded = await queries.keyUsage(uuid.uuid).catch((error: unknown) => {
            // Keys can be listed, and revoked, while Postgres is away: then this process alone tells of their use.
            log.warn({ reason: String(error) }, "the use of keys cannot be read");
            return new Map<string, Instant>();
          });
          return answerPage(
            listPage(keys, page, byCreation, ({ key_id }) => key_id),
            (key) => keyItem(key, latest(registry.lastUsed(key.key_id), recorded.get(key.key_id))),
          );
        }),
      {
        detail: documented({
          tag: "Projects",
          summary: "List a project's keys",
          description: "Never the keys themselves. last_used_at is exact to the last webhook it recorded.",
          query: pageQuery,
          answer: pageOf(keyAnswer),
          example: page(keyExample),
          errors: [400, 401, 404, 503],
          access: "admin",
        }),
      },
    )
    .delete(
      "/api/projects/:project/keys/:key",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const made = await registry.revokeKey(project.uuid, params.key, now());
          return made.ok
            ? json(keyItem(made.made, registry.lastUsed(made.made.key_id)))
            : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Revoke an API key",
          description: "In force at once in this process, and within a second in all others.",
          answer: keyAnswer,
          example: keyExample,
          errors: [401, 404, 503],
          access: "admin",
        }),
      },
    )
    .put(
      "/api/projects/:project/status-mappings",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const asked = await readMappings(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.mapStatuses(project.uuid, asked);
          return made.ok ? json(made.made) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Replace a project's status mappings",
          description:
            "Words are compared trimmed and in upper case. What was recorded before is mapped anew.",
          body: mappingsBody,
          answer: mappingsBody,
          example: mappingsExample,
          errors: [400, 401, 404, 413, 503],
          access: "admin",
        }),
      },
    )
    .get(
      "/api/projects/:project/status-mappings",
      ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        return project instanceof Response ? project : json(project.mappings);
      },
      {
        detail: documented({
          tag: "Projects",
          summary: "Show a project's status mappings",
          answer: mappingsBody,
          example: mappingsExample,
          errors: [401, 404, 503],
          access: "key",
        }),
      },
    );
}

const byCreation = ({ created_at }: { readonly created_at: Instant }): string => created_at;

function answerPage<T>(page: Page<T> | Response, item: (value: T) => object): Response {
  return page instanceof Response
    ? page
    : json({ items: page.items.map(item), next_cursor: page.next_cursor });
}

const printed = (instant: Instant | null): string | null => (instant === null ? null : toRfc3339(instant));

const latest = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

const projectItem = ({ project_uuid, name, matching, created_at }: Project) => ({
  project_uuid,
  name,
  matching,
  created_at: printed(created_at),
});

const repositoryItem = (repository: Repository) => ({
  ...repository,
  created_at: printed(repository.created_at),
});

const keyItem = (key: ApiKey, lastUsed: Instant | undefined) => ({
  key_id: key.key_id,
  label: key.label,
  scopes: key.scopes,
  expires_at: printed(key.expires_at),
  created_at: printed(key.created_at),
  revoked_at: printed(key.revoked_at),
  last_used_at: printed(lastUsed ?? null),
  verifies_signatures: (key.signing_secrets ?? []).length > 0,
});
