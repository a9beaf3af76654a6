// A project's API keys: issued, listed, held to a quota, revoked, all with the admin key. Rules are the registry's.

import { Elysia } from "elysia";
import { pageOf } from "../answers/field.ts";
import { type IssuedKeyAnswer, issuedKeyAnswer, type KeyAnswer, keyAnswer } from "../answers/registry.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import type { ApiKey } from "../domain/registry.ts";
import { adminProject, requireAdmin } from "./access.ts";
import { json, refusal } from "./answer.ts";
import { documented } from "./documentation.ts";
import { answerPage, byCreation, listPage, printed } from "./list-page.ts";
import type { HttpDependencies } from "./ports.ts";
import { keyBody, keyChangeBody, pageQuery } from "./schemas.ts";
import { bodyReader, queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);
const readKey = bodyReader(keyBody);
const readKeyChange = bodyReader(keyChangeBody);

export function keyRoutes(dependencies: HttpDependencies) {
  const { registry, now, maxBodyBytes, queries, log } = dependencies;
  const admin = <T>(request: Request, run: () => T | Response): T | Response =>
    requireAdmin(request, dependencies) ?? run();

  return new Elysia({ name: "keys" })
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
          return json<IssuedKeyAnswer>(
            {
              key_id,
              key: secret,
              label,
              scopes,
              expires_at: printed(key.expires_at),
              created_at: toRfc3339(key.created_at),
              quota: key.quota ?? null,
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
            "The key is told in this answer and never again. A project may have several live keys. A quota is for keys that must not have all there is: what is above it gets 429, and most monitoring tools do not send that again.",
          body: keyBody,
          answer: issuedKeyAnswer,
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
          errors: [400, 401, 404, 503],
          access: "admin",
        }),
      },
    )
    .patch(
      "/api/projects/:project/keys/:key",
      ({ request, params }) =>
        admin(request, async () => {
          const project = adminProject(params.project, dependencies);
          if (project instanceof Response) return project;
          const asked = await readKeyChange(request, maxBodyBytes);
          if (asked instanceof Response) return asked;
          const made = await registry.setQuota(project.uuid, params.key, asked.quota);
          return made.ok
            ? json<KeyAnswer>(keyItem(made.made, registry.lastUsed(made.made.key_id)))
            : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Set or lift an API key's quota",
          description:
            "In force at once in this process, and within a second in all others; each process counts what it takes itself. Without a quota a key may send as much as it likes. What is above it gets 429, and most monitoring tools do not send that again.",
          body: keyChangeBody,
          answer: keyAnswer,
          errors: [400, 401, 404, 413, 503],
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
            ? json<KeyAnswer>(keyItem(made.made, registry.lastUsed(made.made.key_id)))
            : refusal(made.refusal);
        }),
      {
        parse: "none",
        detail: documented({
          tag: "Projects",
          summary: "Revoke an API key",
          description: "In force at once in this process, and within a second in all others.",
          answer: keyAnswer,
          errors: [401, 404, 503],
          access: "admin",
        }),
      },
    );
}

const latest = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a;

const keyItem = (key: ApiKey, lastUsed: Instant | undefined): KeyAnswer => ({
  key_id: key.key_id,
  label: key.label,
  scopes: key.scopes,
  expires_at: printed(key.expires_at),
  created_at: toRfc3339(key.created_at),
  revoked_at: printed(key.revoked_at),
  last_used_at: printed(lastUsed ?? null),
  verifies_signatures: (key.signing_secrets ?? []).length > 0,
  quota: key.quota ?? null,
});
