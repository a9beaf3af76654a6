// Reads again what the ingest contract's route refused, for the project in whose quarantine it lies. Records nothing.

import type { ProjectUuid, RepoUuid } from "../domain/ids.ts";
import { contractSource } from "../domain/quarantine.ts";
import { readContractWebhook } from "./contract-webhook.ts";
import type { NativeWebhook } from "./native-payload.ts";
import type { NativeReading } from "./receive-native.ts";

export type HasRepository = (project: ProjectUuid, repo: RepoUuid) => boolean;

export interface RefusedReading {
  readonly reading: NativeReading;
  /** That the webhook names. */
  readonly repo_uuid?: RepoUuid;
}

/**
 * By the rules of the route itself: a repository that was unknown may be registered by now. A body that names another project
 * is not taken for this one's unless somebody says so, by naming a source that reads no project.
 */
export function readRefused(
  { body, content_type }: Pick<NativeWebhook, "body" | "content_type">,
  project: ProjectUuid,
  hasRepository: HasRepository,
): RefusedReading {
  const refused = (reason: string): RefusedReading => ({
    reading: { tag: "unrecognised", source: contractSource, reason },
  });
  const read = readContractWebhook(body, content_type);
  if (read.tag === "problem") return refused(read.details);
  if (read.project_uuid !== project) {
    return refused(
      `it names the project '${read.project_uuid.slice(0, 64)}'; redriven as source "fields" it is recorded in this one`,
    );
  }
  switch (read.tag) {
    case "no_project":
      return refused("its project_uuid is no UUID");
    case "test":
      return {
        reading: {
          tag: "ignored",
          source: contractSource,
          reason: "a test of the connection",
          cause: "test",
        },
      };
    case "no_repository":
      return refused(`Repository with UUID '${read.repo_uuid.slice(0, 64)}' not found`);
    case "fields": {
      const { repo_uuid, ...fields } = read.fields;
      if (repo_uuid !== undefined && !hasRepository(project, repo_uuid)) {
        return refused(`Repository with UUID '${repo_uuid}' not found`);
      }
      return {
        reading: {
          tag: "signals",
          source: contractSource,
          signals: [{ ...fields, time_basis: "incident_time" }],
          ignored: [],
          verbatim: read.payload,
          repaired: read.repaired,
          ...(read.charset === undefined ? {} : { charset: read.charset }),
        },
        ...(repo_uuid === undefined ? {} : { repo_uuid }),
      };
    }
    default:
      return read satisfies never;
  }
}
