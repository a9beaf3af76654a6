// What a route says of itself in OpenAPI, made from the schemas that also check its requests.

import type { TObject, TSchema } from "@sinclair/typebox";
import { errorAnswer } from "./schemas.ts";

export interface RouteDocumentation {
  readonly tag: "Webhooks" | "Projects" | "Incidents" | "Recovery" | "Audit" | "Operations";
  readonly summary: string;
  readonly description?: string;
  readonly query?: TObject;
  readonly body?: TSchema;
  readonly answer?: TSchema;
  readonly status?: 200 | 201;
  readonly contentType?: string;
  readonly errors: readonly (keyof typeof reasons)[];
  /** Whom the route lets in. */
  readonly access: "key" | "admin" | "open";
}

const reasons = {
  400: "The request is invalid; details name the parameter or field",
  401: "No key, or one that is unknown, revoked, expired or lacks the scope",
  404: "Not there, or another project's",
  409: "Exists already",
  413: "The body is too large",
  500: "A fault of the service",
  503: "Cannot be answered now; Retry-After says when to come again",
} as const;

/** The `detail` of an Elysia route. */
export function documented(route: RouteDocumentation) {
  const errors = Object.fromEntries(
    route.errors.map((status) => [
      String(status),
      { description: reasons[status], content: { "application/json": { schema: plain(errorAnswer) } } },
    ]),
  );
  const success = {
    description: "As asked",
    ...(route.answer === undefined
      ? {}
      : { content: { [route.contentType ?? "application/json"]: { schema: plain(route.answer) } } }),
  };
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.access === "open" ? [] : [{ [route.access === "admin" ? "adminKey" : "apiKey"]: [] }],
    ...(route.query === undefined ? {} : { parameters: parameters(route.query) }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: plain(route.body) } } } }),
    responses: { [String(route.status ?? 200)]: success, ...errors },
    // biome-ignore lint/suspicious/noExplicitAny: Elysia types its detail by the OpenAPI types of another version.
  } as any;
}

function parameters(query: TObject) {
  return Object.entries(query.properties as Record<string, TSchema>).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    description: schema.description ?? name,
    schema: plain(schema),
  }));
}

/** Plain JSON Schema, without what TypeBox keeps for itself; `examples` become OpenAPI 3.0's `example`. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema), (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const { examples, ...rest } = value as Record<string, unknown> & { examples?: unknown };
    const one = Array.isArray(examples) ? { example: examples[0] } : {};
    return withNullable({ ...rest, ...one });
  }) as object;
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has a null type beside another, and `enum` where it has `const`. */
function withNullable(schema: Record<string, unknown>): object {
  const { const: constant, ...rest } = schema;
  const named = constant === undefined ? rest : { ...rest, enum: [constant] };
  const { anyOf: choices, ...others } = named as { anyOf?: { type?: unknown; enum?: unknown[] }[] };
  if (choices === undefined) return named;
  if (choices.every((choice) => choice.enum?.length === 1)) {
    return { ...others, type: "string", enum: choices.flatMap((choice) => choice.enum ?? []) };
  }
  if (choices.length !== 2) return named;
  const other = choices.find((choice) => choice.type !== "null");
  return choices.some((choice) => choice.type === "null") ? { ...other, ...others, nullable: true } : named;
}
