// Health, metrics and dead letters: what those who run the service ask.

import { hash, timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { type Page, pageOf } from "../answers/field.ts";
import {
  type AllRedriven,
  allRedrivenAnswer,
  type DeadLetterItem,
  deadLetterAnswer,
  type IngestAnswer,
  ingestAnswer,
  type LiveAnswer,
  liveAnswer,
  metricsAnswer,
  type ReadyAnswer,
  type RedrivenAnswer,
  readyAnswer,
  redrivenAnswer,
} from "../answers/operations.ts";
import { requireAdmin } from "./access.ts";
import { badRequest, json, problem, unavailable } from "./answer.ts";
import { readBody } from "./body.ts";
import { documented } from "./documentation.ts";
import { keyOf } from "./native-key.ts";
import type { HttpDependencies } from "./ports.ts";
import { pageQuery } from "./schemas.ts";
import { bodyTooLarge, queryReader } from "./validate.ts";

const readPage = queryReader(pageQuery);

export function operationsRoutes(dependencies: HttpDependencies) {
  const mayReadMetrics = metricsGuard(dependencies.metricsKey);
  return new Elysia({ name: "operations" })
    .get("/health/live", () => json<LiveAnswer>({ live: true, version: dependencies.version }), {
      detail: documented({
        tag: "Operations",
        summary: "Whether the process is alive",
        answer: liveAnswer,
        errors: [],
        access: "open",
      }),
    })
    .get(
      "/health/ready",
      async () => {
        const found = await dependencies.dependencies();
        const ready = Object.values(found).every(({ ok }) => ok);
        return json<ReadyAnswer>({ ready, dependencies: found }, ready ? 200 : 503);
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "Whether every dependency is there",
          description:
            "503 with the same body while one is not, within 2 s of its loss. Webhooks are taken all the same while the event store or Postgres is away: whoever sends webhooks here only while this is 200 loses them. /health/ingest is for that.",
          answer: readyAnswer,
          otherStatus: 503,
          errors: [],
          access: "open",
        }),
      },
    )
    .get(
      "/health/ingest",
      async () => {
        const problem = await dependencies.takesWebhooks();
        return json<IngestAnswer>(
          { takes_webhooks: problem === undefined, detail: problem ?? "ok" },
          problem === undefined ? 200 : 503,
        );
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "Whether webhooks are acknowledged",
          description:
            "200 also while the event store is away and the spool takes them, and while Postgres is away. What routes webhooks asks this.",
          answer: ingestAnswer,
          otherStatus: 503,
          errors: [],
          access: "open",
        }),
      },
    )
    .get(
      "/metrics",
      async ({ request }) => {
        if (!mayReadMetrics(request)) {
          return problem(401, "Metrics key required", "Send METRICS_KEY as a bearer token or in X-API-Key.");
        }
        const { contentType, body } = await dependencies.metrics.text();
        return new Response(body, { headers: { "Content-Type": contentType } });
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "Metrics in the Prometheus text format",
          description:
            "Of the whole service, at most a second old. They name no project and count all of them together: where METRICS_KEY is set, that key is asked for.",
          answer: metricsAnswer,
          contentTypes: ["text/plain"],
          errors: [401, 503],
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
        return answered(async () =>
          json<Page<DeadLetterItem>>(
            await dependencies.queries.deadLetters({ limit: page.limit ?? 50, cursor: page.cursor }),
          ),
        );
      },
      {
        detail: documented({
          tag: "Operations",
          summary: "List events that no projection could take",
          query: pageQuery,
          answer: pageOf(deadLetterAnswer),
          errors: [400, 401, 503],
          access: "admin",
        }),
      },
    )
    .post(
      "/api/admin/dead-letters/redrive",
      async ({ request }) => {
        const refused = requireAdmin(request, dependencies);
        if (refused !== undefined) return refused;
        const tooLarge = await skipBody(request, dependencies);
        if (tooLarge !== undefined) return tooLarge;
        return answered(async () => json<AllRedriven>(await dependencies.deadLetters.all()));
      },
      {
        parse: "none",
        detail: documented({
          tag: "Operations",
          summary: "Try all dead letters again",
          description:
            "As with one of them. Answers after 5 s at the latest; those that wait until then are tried all the same.",
          answer: allRedrivenAnswer,
          errors: [401, 413, 503],
          access: "admin",
        }),
      },
    )
    .post(
      "/api/admin/dead-letters/:position/redrive",
      async ({ request, params }) => {
        const refused = requireAdmin(request, dependencies);
        if (refused !== undefined) return refused;
        const tooLarge = await skipBody(request, dependencies);
        if (tooLarge !== undefined) return tooLarge;
        const { position } = params;
        return answered(async () => {
          const known = /^\d{1,20}$/.test(position)
            ? await dependencies.deadLetters.one(BigInt(position))
            : undefined;
          if (known === undefined) {
            return problem(404, "Not found", `No dead letter at position '${position.slice(0, 64)}'`);
          }
          const reason = known.tag === "applied" ? null : known.reason;
          return json<RedrivenAnswer>({ position, outcome: known.tag, reason });
        });
      },
      {
        parse: "none",
        detail: documented({
          tag: "Operations",
          summary: "Try a dead letter again",
          description:
            "After a fix: the event is read from the event store once more and applied as if it had never failed. `applied`: it is no dead letter any more. `failing`: it still is, for this reason. `waiting`: no projector has taken it up within 5 s; one will. Asking again changes nothing.",
          answer: redrivenAnswer,
          errors: [401, 404, 413, 503],
          access: "admin",
        }),
      },
    );
}

function metricsGuard(key: string | undefined): (request: Request) => boolean {
  if (key === undefined) return () => true;
  const digestOf = (text: string): Buffer => hash("sha256", text, "buffer");
  const digest = digestOf(key);
  return (request) => timingSafeEqual(digestOf(keyOf(request) ?? ""), digest);
}

/** Whatever the body says, it says nothing here; the answer where it is too long to be read to its end. */
async function skipBody(request: Request, { maxBodyBytes }: HttpDependencies): Promise<Response | undefined> {
  return (await readBody(request, maxBodyBytes)) === "too_large" ? bodyTooLarge(maxBodyBytes) : undefined;
}

/** What the read model answers, or that it cannot. */
async function answered(ask: () => Promise<Response>): Promise<Response> {
  try {
    return await ask();
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "BadCursor") return badRequest("cursor must be the next_cursor of the page before.");
    if (name === "ReadModelUnavailable") return unavailable("The read model cannot be asked at this moment.");
    throw error;
  }
}
