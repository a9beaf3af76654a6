// What a route says of itself in OpenAPI, made from the schemas that also check its requests.

import type { TObject, TSchema } from "@sinclair/typebox";
import { errorAnswer } from "../answers/errors.ts";
import { exampleOf, openApiSchema } from "./openapi-schema.ts";

export interface RouteDocumentation {
  readonly tag:
    | "Webhooks"
    | "Projects"
    | "Incidents"
    | "Recovery"
    | "Audit"
    | "Operations"
    | "Dashboard"
    | "Documentation";
  readonly summary: string;
  readonly description?: string;
  readonly query?: TObject;
  readonly body?: TSchema;
  /** Absent where the answer has no body. */
  readonly answer?: TSchema;
  readonly status?: 200 | 201 | 302;
  /** Another status that has the same answer. */
  readonly otherStatus?: 503;
  /** JSON where it is absent. */
  readonly contentTypes?: readonly string[];
  /** 400 for an address that is none and 500 for a fault are added: any route may answer them. */
  readonly errors: readonly (keyof typeof reasons)[];
  /** Whom the route lets in. */
  readonly access: "key" | "admin" | "open";
}

/** What each error status means, and one such error. */
const reasons = {
  400: [
    "The request is invalid; details name the parameter or field",
    "Invalid request",
    "limit must be a whole number from 1 to 500.",
  ],
  401: [
    "No key, or one that is unknown, revoked, expired or lacks the scope",
    "Missing API key",
    "Send the key in the X-API-Key header.",
  ],
  404: [
    "Not there, or another project's",
    "Invalid project UUID",
    "Project with UUID '5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11' not found",
  ],
  409: ["Exists already", "Already exists", "The repo_uuid '0d4b8c1e-2f0a-4a57-9c4e-3f1f7c2b9d10' is in use"],
  413: ["The body is too large", "Body too large", "The body may have at most 262144 bytes."],
  429: [
    "Above the key's own quota, or too many at once; Retry-After says when to send again",
    "Too many webhooks",
    "The key may send 600 webhooks a minute.",
  ],
  500: [
    "A fault of the service",
    "Internal error",
    "The service met a fault; its log has this request's id.",
  ],
  503: [
    "Cannot be answered now; Retry-After says when to come again",
    "Service unavailable",
    "The read model cannot be asked at this moment.",
  ],
} as const;

const errorSchema = openApiSchema(errorAnswer);

/** The `detail` of an Elysia route. */
export function documented(route: RouteDocumentation) {
  const errors = Object.fromEntries(
    ([400, ...route.errors, 500] as const).map((status) => [
      String(status),
      {
        description: reasons[status][0],
        content: {
          "application/json": {
            schema: errorSchema,
            example: { success: false, error: reasons[status][1], details: reasons[status][2] },
          },
        },
      },
    ]),
  );
  const success = {
    description: route.status === 302 ? "Elsewhere" : "As asked",
    ...(route.answer === undefined ? {} : { content: contentOf(route.answer, route.contentTypes) }),
  };
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.access === "open" ? [] : [{ [route.access === "admin" ? "adminKey" : "apiKey"]: [] }],
    ...(route.query === undefined ? {} : { parameters: parameters(route.query) }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: openApiSchema(route.body) } },
          },
        }),
    responses: {
      [String(route.status ?? 200)]: success,
      ...(route.otherStatus === undefined ? {} : { [String(route.otherStatus)]: success }),
      ...errors,
    },
    // biome-ignore lint/suspicious/noExplicitAny: Elysia types its detail by the OpenAPI types of another version.
  } as any;
}

function contentOf(answer: TSchema, types: readonly string[] = ["application/json"]) {
  const content = { schema: openApiSchema(answer), example: exampleOf(answer) };
  return Object.fromEntries(types.map((type) => [type, content]));
}

function parameters(query: TObject) {
  return Object.entries(query.properties as Record<string, TSchema>).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    description: schema.description ?? name,
    schema: openApiSchema(schema),
  }));
}
