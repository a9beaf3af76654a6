// Checks that every query of a project passes: caller, project, parameters, and the read model's position.

import type { Project } from "../domain/registry.ts";
import { callerOf, projectOf } from "./access.ts";
import { badRequest, unavailable } from "./answer.ts";
import type { HttpDependencies } from "./ports.ts";
import type { QueryTurns } from "./query-turns.ts";
import { type AskedState, waitForReadModel } from "./read-your-writes.ts";

/** Answers by `run`, or why it cannot be asked. */
export async function answerQuery<Q extends AskedState>(
  request: Request,
  projectText: string,
  read: (request: Request) => Q | Response,
  by: { readonly dependencies: HttpDependencies; readonly turns: QueryTurns },
  run: (project: Project, query: Q) => Promise<Response>,
): Promise<Response> {
  const { dependencies, turns } = by;
  const caller = callerOf(request, dependencies);
  if (caller instanceof Response) return caller;
  const project = projectOf(caller, projectText, "read", dependencies);
  if (project instanceof Response) return project;
  const query = read(request);
  if (query instanceof Response) return query;
  return turns.take(caller, async () => {
    const refused = await waitForReadModel(query, project.project_uuid, dependencies);
    if (refused !== undefined) return refused;
    try {
      return await run(project, query);
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      if (name === "BadCursor") return badRequest("cursor must be the next_cursor of the page before.");
      if (name === "UnknownTimeZone") return badRequest("tz is a time zone that Postgres does not know.");
      if (name === "ReadModelUnavailable")
        return unavailable("The read model cannot be asked at this moment.");
      throw error;
    }
  });
}
