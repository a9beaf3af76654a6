// Projects, repositories and status mappings: what the admin key may do. Rules are the registry's, not HTTP's.

import { Elysia } from "elysia";
import { pageOf } from "../answers/field.ts";
import {
  type MappingsAnswer,
  mappingsAnswer,
  type ProjectAnswer,
  projectAnswer,
  type RepositoryAnswer,
  repositoryAnswer,
} from "../answers/registry.ts";
import { toRfc3339 } from "../domain/instant.ts";
import type { Project, Repository } from "../domain/registry.ts";
import { adminProject, requireAdmin, requireProject } from "./access.ts";
import { json, refusal } from "./answer.ts";
import { documented } from "./documentation.ts";
import { keyRoutes } from "./key-routes.ts";
import { answerPage, byCreation, listPage } from "./list-page.ts";
import type { HttpDependencies } from "./ports.ts";
import { noQuery, pageQuery, projectBody, projectChangeBody, repositoryBody } from "./schemas.ts";
import { bodyReader, queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);
const readNone = queryReader(noQuery);
const readProject = bodyReader(projectBody);
const readProjectChange = bodyReader(projectChangeBody);
const readRepository = bodyReader(repositoryBody);

export function registryRoutes(dependencies: HttpDependencies) {
  const { registry, now, maxBodyBytes } = dependencies;
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
          return made.ok ? json<ProjectAnswer>(projectItem(made.made), 201) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Register a project",
          body: projectBody,
          answer: projectAnswer,
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
        return query instanceof Response ? query : json<ProjectAnswer>(projectItem(project));
      },
      {
        detail: documented({
          tag: "Projects",
          summary: "Show a project",
          answer: projectAnswer,
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
          return made.ok ? json<ProjectAnswer>(projectItem(made.made)) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Rename a project, or change how far its orphan recoveries may be matched",
          body: projectChangeBody,
          answer: projectAnswer,
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
          return made.ok ? json<RepositoryAnswer>(repositoryItem(made.made), 201) : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Register a repository",
          body: repositoryBody,
          answer: repositoryAnswer,
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
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    )
    .use(keyRoutes(dependencies))
    .get(
      "/api/projects/:project/status-mappings",
      ({ request, params }) => {
        const project = requireProject(request, params.project, "read", dependencies);
        if (project instanceof Response) return project;
        const query = readNone(request);
        return query instanceof Response ? query : json<MappingsAnswer>(project.mappings);
      },
      {
        detail: documented({
          tag: "Projects",
          summary: "Show a project's status mappings",
          answer: mappingsAnswer,
          errors: [400, 401, 404, 503],
          access: "key",
        }),
      },
    );
}

const projectItem = ({ project_uuid, name, matching, created_at }: Project): ProjectAnswer => ({
  project_uuid,
  name,
  matching,
  created_at: toRfc3339(created_at),
});

const repositoryItem = (repository: Repository): RepositoryAnswer => ({
  ...repository,
  created_at: toRfc3339(repository.created_at),
});
