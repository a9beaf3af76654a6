// Health, metrics and dead letters: what those who run the service ask.

import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { requireAdmin } from "./access.ts";
import { badRequest, json, unavailable } from "./answer.ts";
import { documented } from "./documentation.ts";
import { deadLetterExample, page } from "./examples.ts";
import type { HttpDependencies } from "./ports.ts";
import { deadLetterAnswer, pageOf, pageQuery } from "./schemas.ts";
import { queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);
const readiness = t.Object({
  ready: t.Boolean(),
  dependencies: t.Record(t.String(), t.Object({ ok: t.Boolean(), detail: t.String() })),
});

export function operationsRoutes(dependencies: HttpDependencies) {
  return new Elysia({ name: "operations" })
    .get("/health/live", () => json({ live: true, version: dependencies.version }), {
      detail: documented({
        tag: "Operations",
        summary: "Whether the process is alive",
        answer: t.Object({ live: t.Boolean(), version: t.String() }),
        example: { live: true, version: "0.1.0" },
        errors: [],
        access: "open",
      }),
    })
    .get(
      "/health/ready",
      async () => {
        const found = await dependencies.dependencies();
        const ready = Object.values(found).every(({ ok }) => ok);
        return json({ ready, dependencies: found }, ready ? 200 : 503);
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "Whether every dependency is there",
          description: "503 with the same body while one is not.",
          answer: readiness,
          example: { ready: true, dependencies: { postgres: { ok: true, detail: "ok" } } },
          otherStatus: 503,
          errors: [],
          access: "open",
        }),
      },
    )
    .get(
      "/metrics",
      async () => {
        const { contentType, body } = await dependencies.metrics.text();
        return new Response(body, { headers: { "Content-Type": contentType } });
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "Metrics in the Prometheus text format",
          answer: t.String(),
          contentType: "text/plain",
          errors: [],
          access: "open",
        }),
      },
    )
    .get(
      "/api/admin/dead-letters",
      async ({ request }) => {
        const refused = requireAdmin(request, dependencies);
        if (refused !== undefined) return refused;
        const page = readPage(request);
        if (page instanceof Response) return page;
        try {
          return json(
            await dependencies.queries.deadLetters({ limit: page.limit ?? 50, cursor: page.cursor }),
          );
        } catch (error) {
          const name = error instanceof Error ? error.name : "";
          if (name === "BadCursor") return badRequest("cursor must be the next_cursor of the page before.");
          if (name === "ReadModelUnavailable")
            return unavailable("The read model cannot be asked at this moment.");
          throw error;
        }
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "List events that no projection could take",
          query: pageQuery,
          answer: pageOf(deadLetterAnswer),
          example: page(deadLetterExample),
          errors: [400, 401, 503],
          access: "admin",
        }),
      },
    );
}
