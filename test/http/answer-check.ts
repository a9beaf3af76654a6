// Holds every answer that a test sees to what the service itself documents: its route, status, content type and shape,
// with no field beyond the schema's. The schemas are those of /swagger/json, so that the document is checked with them.

import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { createHttp } from "../../src/http/app.ts";
import type { HttpDependencies } from "../../src/http/ports.ts";
import { misfits } from "./misfits.ts";

type Handle = (request: Request) => Promise<Response>;

export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface Operation {
  readonly responses: Readonly<
    Record<
      string,
      { readonly content?: Readonly<Record<string, { readonly schema: object; example?: unknown }>> }
    >
  >;
}

export interface SeenAnswer {
  readonly method: string;
  /** Or the whole URL. */
  readonly path: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Absent where it is not looked at. */
  readonly text?: string;
}

/** What the service documents; the document depends on nothing that the service talks to. */
export async function servedDocument(): Promise<OpenApiDocument> {
  const nothing = (): void => {};
  const { handle } = createHttp({
    metrics: { request: nothing },
    log: { debug: nothing },
    newRequestId: () => "document",
    version: "1.2.3",
  } as unknown as HttpDependencies);
  return (await (await handle(new Request("http://ledger/swagger/json"))).json()) as OpenApiDocument;
}

const ajv = new Ajv({ allErrors: true, keywords: ["example"] });
addFormats.default(ajv);
const validators = new WeakMap<object, ValidateFunction>();
/** The same error is documented in many places; it is compiled once. */
const byText = new Map<string, ValidateFunction>();

/** What is wrong with the value; undefined where nothing is. */
export function misfit(schema: object, value: unknown): string | undefined {
  const validate = validators.get(schema) ?? compiled(schema);
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "answer" });
}

function compiled(schema: object): ValidateFunction {
  const text = JSON.stringify(schema);
  const validate = byText.get(text) ?? ajv.compile(schema);
  byText.set(text, validate);
  validators.set(schema, validate);
  return validate;
}

let routes: Promise<readonly Route[]> | undefined;
/** By their paths as they were asked for: senders ask for the same one thousands of times a second. Without queries. */
const plainRoutes = new Map<string, Route>();

interface Route {
  readonly template: string;
  readonly pattern: RegExp;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Those with the fewest parameters first: they win. */
const allRoutes = async (): Promise<readonly Route[]> =>
  Object.entries((await servedDocument()).paths)
    .map(([template, operations]) => ({
      template,
      pattern: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+").replace(/\/$/, "")}/?$`),
      operations,
    }))
    .sort((one, other) => one.template.split("{").length - other.template.split("{").length);

/** Throws where the answer is none that the service documents. For those who write their requests by hand. */
export async function checkAnswer(seen: SeenAnswer): Promise<void> {
  const problem = await problemWith(seen);
  if (problem !== undefined) {
    const { method, path, status, text = "" } = seen;
    const misfit = `${method} ${path} answered ${status}, and ${problem}: ${text.slice(0, 1_000)}`;
    misfits.push(misfit);
    throw new Error(misfit);
  }
}

async function problemWith(seen: SeenAnswer): Promise<string | undefined> {
  const schema = await schemaOf(seen);
  if (typeof schema === "string") return schema;
  if (schema === undefined || seen.text === undefined) return undefined;
  const isLines = seen.contentType?.startsWith("application/x-ndjson") === true;
  const isJson = isLines || seen.contentType?.startsWith("application/json") === true;
  if (!isJson) return misfit(schema, seen.text);
  const texts = isLines ? seen.text.split("\n").filter((line) => line !== "") : [seen.text];
  return texts.map((text) => misfitOfJson(schema, text)).find((problem) => problem !== undefined);
}

function misfitOfJson(schema: object, text: string): string | undefined {
  try {
    return misfit(schema, JSON.parse(text));
  } catch (error) {
    return `it is no JSON (${error})`;
  }
}

/** The schema of the answer's body; undefined where it has none; or what is wrong with the answer without its body. */
async function schemaOf({
  method,
  path,
  status,
  contentType,
}: SeenAnswer): Promise<object | undefined | string> {
  routes ??= allRoutes();
  const route = plainRoutes.get(path) ?? routeOf(await routes, path);
  const operation = route?.operations[method === "HEAD" ? "get" : method.toLowerCase()];
  // Where no route is, there can only be errors; they are the same everywhere.
  const response =
    operation === undefined
      ? status === 404 || status === 400 || status >= 500
        ? (await routes)[0]?.operations.get?.responses["500"]
        : undefined
      : operation.responses[status];
  if (response === undefined) return `${route?.template ?? "no route"} documents no such status`;
  if (response.content === undefined || method === "HEAD") return undefined;
  const type = (contentType ?? "").split(";", 1)[0] ?? "";
  const content = response.content[type];
  return (
    content?.schema ?? `${route?.template ?? "an error"} documents no ${type || "answer without a type"}`
  );
}

function routeOf(all: readonly Route[], path: string): Route | undefined {
  const found = all.find(({ pattern }) => pattern.test(pathOf(path)));
  if (found?.template.includes("{") === false && !path.includes("?")) plainRoutes.set(path, found);
  return found;
}

/** Of any URL, also one whose Host header makes none of it. */
function pathOf(url: string): string {
  const [address = ""] = url.split(/[?#]/, 1);
  return address.replace(/^[a-z]+:\/\/[^/]*/i, "") || "/";
}

/** The same handle, whose answers are checked as they pass: one that does not hold is thrown instead of answered. */
export function heldToSchema(handle: Handle): Handle {
  return async (request) => {
    // Read while the request is open.
    const { method, url } = request;
    const response = await handle(request);
    const contentType = response.headers.get("content-type");
    const seen = { method, path: url, status: response.status, contentType };
    await checkAnswer(seen);
    if (response.body === null || method === "HEAD") return response;
    if (contentType?.startsWith("application/x-ndjson") === true) {
      return new Response(checkedLines(response.body, seen), response);
    }
    if (contentType?.startsWith("application/json") !== true) return response;
    const text = await response.text();
    await checkAnswer({ ...seen, text });
    return new Response(text, response);
  };
}

/** fetch, for a service that runs elsewhere. */
export const checkedFetch = (url: string, init?: RequestInit): Promise<Response> =>
  heldToSchema((request) => fetch(request))(new Request(url, init));

/** Passes the lines on as they come, as fast as they are read; one that does not hold breaks the stream off. */
function checkedLines(body: ReadableStream<Uint8Array>, seen: SeenAnswer): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let begun = "";
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await reader.read();
        begun += decoder.decode(value, { stream: !done });
        const end = done ? begun.length : begun.lastIndexOf("\n") + 1;
        await checkAnswer({ ...seen, text: begun.slice(0, end) });
        begun = begun.slice(end);
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
