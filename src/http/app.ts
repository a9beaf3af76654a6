// The HTTP side put together: routes, the shape of every error, request log lines and the documentation.

import { swagger } from "@elysiajs/swagger";
import { Elysia } from "elysia";
import { problem } from "./answer.ts";
import { dashboardRoutes } from "./dashboard-routes.ts";
import { docsPage, documentPaths } from "./docs-page.ts";
import type { EventStream } from "./event-stream.ts";
import { nativeRoutes } from "./native-routes.ts";
import { operationsRoutes } from "./operations-routes.ts";
import type { HttpDependencies } from "./ports.ts";
import { queryRoutes } from "./query-routes.ts";
import { createQueryTurns } from "./query-turns.ts";
import { registryRoutes } from "./registry-routes.ts";
import { replayRoutes } from "./replay-routes.ts";
import { requestIdOf } from "./request-id.ts";
import { sessionRoutes } from "./session-routes.ts";
import { sourceRoutes } from "./source-routes.ts";
import { streamRoutes } from "./stream-routes.ts";
import { webhookRoutes } from "./webhook-routes.ts";

export interface HttpApp {
  /** One request in, one response out; never throws. */
  readonly handle: (request: Request) => Promise<Response>;
  /** Ends the streams that pages follow: their readers would hold up a stop. */
  readonly closeStreams: () => void;
}

export function createHttp(dependencies: HttpDependencies): HttpApp {
  const { log, metrics } = dependencies;
  /** Which route took the request; none where no route did: such a path is the sender's text, and names no label. */
  const routed = new WeakMap<Request, string>();
  const turns = createQueryTurns();
  const streams = new Set<EventStream>();
  const routes = new Elysia({ name: "routes" })
    .use(webhookRoutes(dependencies))
    .use(nativeRoutes(dependencies, turns))
    .use(registryRoutes(dependencies))
    .use(sourceRoutes(dependencies, turns))
    .use(queryRoutes(dependencies, turns))
    .use(replayRoutes(dependencies))
    .use(operationsRoutes(dependencies))
    .use(sessionRoutes(dependencies))
    .use(streamRoutes(dependencies, streams))
    .use(dashboardRoutes());
  const docs = docsPage();
  documentPathParameters(routes);
  documentPathParameters(docs);

  const answerTo = (code: string | number, error: unknown, request: Request): Response => {
    switch (code) {
      case "NOT_FOUND":
        return problem(404, "Not found", `There is no ${request.method} route at this path.`);
      case "PARSE":
      case "VALIDATION":
      case "INVALID_COOKIE_SIGNATURE":
      case "INVALID_FILE_TYPE":
        return problem(400, "Invalid request", "The request cannot be read.");
      default:
        log.error(
          { request_id: requestIdOf(request, dependencies.newRequestId), reason: reasonOf(error) },
          "a request met a fault",
        );
        return problem(500, "Internal error", "The service met a fault; its log has this request's id.");
    }
  };

  // Elysia's fast path for hosts assumes at least four characters: without it `Host: x` is no 404.
  const app = new Elysia({ handler: { standardHostname: false }, normalize: false })
    .onBeforeHandle(({ params, request, route }) => {
      routed.set(request, route);
      // Null is what the framework makes of a part that cannot be decoded; an incident_id is read in its own way.
      for (const [name, value] of Object.entries((params ?? {}) as Readonly<Record<string, unknown>>)) {
        if (value === null && name !== "incident") {
          return problem(400, "Invalid request", `The ${name} in the path is not percent-encoded UTF-8.`);
        }
      }
      return undefined;
    })
    .onError(({ code, error, request }) => answerTo(code, error, request))
    .use(
      swagger({
        path: "/swagger",
        provider: "swagger-ui",
        // It leaves OPTIONS out unless told otherwise; senders of CloudEvents ask by it.
        excludeMethods: [],
        documentation: {
          paths: documentPaths,
          info: {
            title: "Incident Ledger",
            version: dependencies.version,
            description:
              "Records monitoring webhooks as immutable events and answers incident timelines, audit replay and MTTR that lead back to those events. Every error is `{success: false, error, details}`.",
          },
          tags: [
            { name: "Webhooks", description: "What monitoring tools send" },
            { name: "Projects", description: "Projects, repositories, API keys, status mappings" },
            { name: "Incidents", description: "Incidents and their timelines" },
            { name: "Recovery", description: "Pairs and MTTR" },
            { name: "Audit", description: "Events straight from the event store" },
            { name: "Operations", description: "Health, metrics, dead letters" },
            { name: "Dashboard", description: "What the page at / is served, and what it asks" },
            { name: "Documentation", description: "This page, and what it is made from" },
          ],
          components: {
            securitySchemes: {
              apiKey: {
                type: "apiKey",
                in: "header",
                name: "X-API-Key",
                description: "A project's key with the scope that the route needs, or the admin key",
              },
              adminKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "The admin key" },
            },
          },
        },
      }),
    )
    .use(docs)
    .use(routes);
  return {
    handle: async (received) => {
      const startedAt = performance.now();
      const request = withHost(received);
      // Read while the request is open: Deno lets nobody look at a request that has been answered.
      const { method } = request;
      const id = requestIdOf(request, dependencies.newRequestId);
      const response = URL.canParse(request.url)
        ? withContractsShape(await app.handle(request))
        : problem(400, "Invalid request", "The Host header names no host.");
      response.headers.set("X-Request-Id", id);
      response.headers.set("X-Content-Type-Options", "nosniff");
      const { status } = response;
      const seconds = (performance.now() - startedAt) / 1000;
      const route = routed.get(request) ?? "unknown";
      metrics.request({ method, route, status }, seconds);
      log.debug({ request_id: id, method, route, status, ms: Math.round(seconds * 10_000) / 10 }, "request");
      return response;
    },
    closeStreams: () => {
      for (const stream of [...streams]) stream.close();
    },
  };
}

/**
 * The runtime makes the URL of what the Host header says. HTTP/1.0 needs none (HAProxy's health checks send none): then
 * the URL is a path alone, and any host will do. Where the header is no host, no URL comes of it.
 */
function withHost(request: Request): Request {
  const nameless = request.url.startsWith("/") && (request.headers.get("host") ?? "").trim() === "";
  return nameless ? new Request(`http://localhost${request.url}`, request) : request;
}

/** A bare error of the framework's own (a method that a path does not know, for one) in the contract's shape. */
function withContractsShape(response: Response): Response {
  if (response.status < 400 || response.headers.get("content-type")?.includes("json") === true)
    return response;
  return response.status === 404
    ? problem(404, "Not found", "There is no such route.")
    : problem(400, "Invalid request", "The request cannot be answered.");
}

const pathDescriptions: Readonly<Record<string, string>> = {
  project: "The project's UUID",
  incident: "The incident_id, percent-encoded",
  key: "The key's key_id",
  source: "A source's name, or auto",
  quarantine: "The quarantine_id",
  position: "The dead letter's position",
  file: "The file's name",
};

/** Every `:name` in a path is a required parameter of its documentation. */
function documentPathParameters(routes: {
  readonly routes: readonly { readonly path: string; readonly hooks: unknown }[];
}): void {
  for (const { path, hooks } of routes.routes) {
    const { detail } = hooks as { detail?: { parameters?: object[] } };
    if (detail === undefined) continue;
    const named = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
      name,
      in: "path",
      required: true,
      description: pathDescriptions[name] ?? name,
      schema: { type: "string" },
    }));
    detail.parameters = [...named, ...(detail.parameters ?? [])];
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.name}: ${error.message} ${error.stack ?? ""}`.slice(0, 2_000)
    : String(error);
