// The HTTP side with the real intake behind it, native webhooks and quarantine included, on a log in memory; and every
// route that it documents, so that a route is abused as soon as it is there.

import { incidentStream } from "../../src/domain/stored-events.ts";
import type { HttpDependencies } from "../../src/http/ports.ts";
import { quarantineReader } from "../../src/intake/quarantine-reader.ts";
import { readNative, receiveNative, redriveQuarantined } from "../../src/intake/receive-native.ts";
import { recordSignals } from "../../src/intake/record-webhook.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { createSealing } from "../../src/intake/sealing.ts";
import { readPayload, sourceNamed, sources } from "../../src/sources/registry.ts";
import { adminKey, createHttpSide, type HttpSide } from "../http/http-side.ts";
import { memoryLog } from "../intake/memory-log.ts";

export interface WholeSide extends HttpSide {
  readonly log: ReturnType<typeof memoryLog>;
  readonly routes: readonly Route[];
}

type Overrides = Parameters<typeof createHttpSide>[0];

export async function createWholeSide(overrides: Overrides = {}): Promise<WholeSide> {
  const log = memoryLog();
  const registry = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    log: { warn: () => {} },
    sealing: createSealing("the-secrets-key-of-tests"),
  });
  const record = recordSignals(log.append);
  const quarantine = quarantineReader(log.readStream);
  const native = { read: readPayload, record, append: log.append, quarantine };
  const whole: Partial<HttpDependencies> = {
    registry,
    record,
    native: {
      sources,
      receive: (webhook, context) => receiveNative(webhook, context, native),
      preview: (webhook) => readNative(webhook, readPayload),
      schemeOf: ({ source }) => sourceNamed(source)?.signature,
      checkSns: async () => ({ ok: true }),
      quarantine: quarantine.list,
      redrive: (asked, context) => redriveQuarantined(asked, context, native),
    },
    replayIncident: (project, incident) => log.readStream(incidentStream(project, incident as never)),
    replayProject: async function* (project) {
      yield* log.events.filter(({ stream }) => stream.startsWith(`incident-${project}.`));
    },
  };
  while (!registry.ready()) await new Promise((resolve) => setImmediate(resolve));
  const side = await createHttpSide({ ...whole, ...overrides });
  return { ...side, log, routes: await documentedRoutes(side) };
}

export interface Route {
  /** In capitals. */
  readonly method: string;
  /** `/api/projects/{project}` */
  readonly template: string;
  readonly access: "open" | "key" | "admin";
  /** Every status that it is documented to answer. */
  readonly statuses: readonly number[];
  /** What it takes in its query. */
  readonly parameters: readonly string[];
  /** The example of its body; absent where it takes none. */
  readonly body?: unknown;
  /** Its path with these in the places of `{name}`. */
  readonly path: (parts: Readonly<Record<string, string>>) => string;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly security: readonly object[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly example?: unknown } }>;
  };
}

/** Every route by its own documentation, and those of the native webhooks that are not in it. */
export async function documentedRoutes(side: Pick<HttpSide, "ask">): Promise<readonly Route[]> {
  const { paths } = (await side.ask("GET", "/swagger/json")).body as {
    paths: Record<string, Record<string, Operation>>;
  };
  const routes = Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { security, requestBody, responses, parameters = [] }]): Route => {
      const scheme = Object.keys(security[0] ?? {})[0];
      return {
        method: method.toUpperCase(),
        template,
        access: scheme === undefined ? "open" : scheme === "adminKey" ? "admin" : "key",
        parameters: parameters.filter((one) => one.in === "query").map(({ name }) => name),
        statuses: Object.keys(responses).map(Number),
        ...(requestBody === undefined ? {} : { body: Object.values(requestBody.content)[0]?.schema.example }),
        path: (parts) => template.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? name),
      };
    }),
  );
  const hidden = routes
    .filter(({ method, template }) => method === "POST" && template === "/api/incidents/webhook/{source}")
    .map((route): Route => ({ ...route, method: "PUT" }));
  return [...routes, ...hidden];
}
