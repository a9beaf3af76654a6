// Holds query parameters and JSON bodies against their schemas and says what is wrong in the contract's words.

import type { Static, TObject, TSchema } from "@sinclair/typebox";
import { TypeCompiler, ValueErrorType } from "@sinclair/typebox/compiler";
import { badRequest, problem } from "./answer.ts";
import { readBody } from "./body.ts";

/** A reader of one route's query: compiled once, with the parameters it knows. */
export function queryReader<T extends TObject>(schema: T): (request: Request) => Static<T> | Response {
  const check = TypeCompiler.Compile(schema);
  const known = new Map(Object.entries(schema.properties as Record<string, TSchema>));
  return (request) => {
    const given: Record<string, unknown> = {};
    for (const [name, text] of new URL(request.url).searchParams) {
      const property = known.get(name);
      if (property === undefined) {
        const names = [...known.keys()].join(", ");
        const taken = names === "" ? "this route takes none" : `there are ${names}`;
        return badRequest(`There is no parameter "${name.slice(0, 40)}"; ${taken}.`);
      }
      if (name in given) return badRequest(`${name} stands in the query more than once.`);
      given[name] = readValue(text, property);
    }
    if (check.Check(given)) return given;
    const [first] = check.Errors(given);
    return badRequest(first === undefined ? "The query is invalid." : `${sentence(first)}.`);
  };
}

/** What the text stands for; the text itself where it is no such value, which the schema then refuses. */
function readValue(text: string, { type }: TSchema): unknown {
  if (type === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** A reader of one route's JSON body: any Content-Type, at most `maxBytes`. */
export function bodyReader<T extends TSchema>(
  schema: T,
): (request: Request, maxBytes: number) => Promise<Static<T> | Response> {
  const check = TypeCompiler.Compile(schema);
  return async (request, maxBytes) => {
    const bytes = await readBody(request, maxBytes);
    if (bytes === "too_large") return bodyTooLarge(maxBytes);
    if (bytes === "aborted") return badRequest("The body ended early.");
    let given: unknown;
    try {
      given = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      return problem(400, "Invalid JSON", "The body is not valid JSON.");
    }
    if (check.Check(given)) return given;
    const [first] = check.Errors(given);
    return badRequest(first === undefined ? "The body is invalid." : `${sentence(first)}.`);
  };
}

export const bodyTooLarge = (maxBytes: number): Response =>
  problem(413, "Body too large", `The body may have at most ${maxBytes} bytes.`);

interface Found {
  readonly type: ValueErrorType;
  readonly path: string;
  readonly schema: TSchema;
}

function sentence(found: Found): string {
  const name = found.path.slice(1).replaceAll("/", ".").slice(0, 80) || "the body";
  switch (found.type) {
    case ValueErrorType.ObjectRequiredProperty:
      return `${name} is missing`;
    case ValueErrorType.ObjectAdditionalProperties:
      return `There is no field "${name}"`;
    default:
      return `${name} must be ${found.schema.description ?? "of another type or form"}`;
  }
}
