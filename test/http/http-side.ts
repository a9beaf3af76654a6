// The HTTP side on small stand-ins for what it needs: a log in memory, a read model that answers what a test says.

import { type IncidentDetail, type MttrAnswer, mttrAnswer } from "../../src/answers/incidents.ts";
import { createSessions } from "../../src/authentication/sessions.ts";
import { createSignInLinks } from "../../src/authentication/sign-in-links.ts";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import type { NewEvent, RecordedEvent } from "../../src/domain/stored-events.ts";
import { createHttp } from "../../src/http/app.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { exampleOf } from "../../src/http/openapi-schema.ts";
import type { HttpDependencies, Queries } from "../../src/http/ports.ts";
import type { AppendOutcome } from "../../src/intake/event-log.ts";
import { keepInQuarantine } from "../../src/intake/quarantine.ts";
import { createQuotas } from "../../src/intake/quotas.ts";
import { recordSignals } from "../../src/intake/record-webhook.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { unbounded } from "../intake/unbounded.ts";
import { heldToSchema } from "./answer-check.ts";

export const adminKey = "the-admin-key";
export const projectA = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
export const projectB = "b0000000-0000-4000-8000-00000000000b";
export const repoA = "a0000000-0000-4000-8000-0000000000aa";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly body: any;
}

export interface Client {
  readonly handle: (request: Request) => Promise<Response>;
  readonly ask: (method: string, path: string, options?: AskOptions) => Promise<Answer>;
  readonly keyFor: (project: string, scopes: readonly string[], expiresAt?: string) => Promise<string>;
}

export interface HttpSide extends Client {
  /** Everything appended, in order. */
  readonly appended: readonly { readonly stream: string; readonly event: NewEvent }[];
  /** What the queries were asked, in order: the query's name and its arguments. */
  readonly asked: readonly (readonly unknown[])[];
  readonly logged: readonly { readonly details: object; readonly message: string }[];
  /** What the next appends answer instead of storing. */
  readonly failAppends: (outcome: AppendOutcome | undefined) => void;
  readonly setNow: (text: string) => void;
}

interface AskOptions {
  readonly key?: string;
  readonly body?: unknown;
  readonly raw?: NonNullable<RequestInit["body"]>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Two projects, A with a repository. */
export async function createHttpSide(
  overrides: Partial<Omit<HttpDependencies, "queries">> & { readonly queries?: Partial<Queries> } = {},
): Promise<HttpSide> {
  const store = memoryLog();
  const asked: unknown[][] = [];
  const logged: { details: object; message: string }[] = [];
  let now = instant("2025-03-01T00:00:00Z");

  const registry = startRegistry({
    append: store.append,
    follow: store.follow,
    adminKey,
    log: { warn: () => {} },
  });
  const note: Note =
    (name, answer) =>
    async (...given) => {
      asked.push([name, ...given]);
      return answer;
    };
  const log = (details: object, message: string): void => {
    logged.push({ details, message });
  };
  const { queries, ...others } = overrides;
  const http = createHttp({
    registry,
    sessions: createSessions({ secret: "the-session-key-of-tests", nowMs: () => Date.parse(now) }),
    signInLinks: createSignInLinks({ nowMs: () => Date.parse(now) }),
    changes: { follow: async () => ({ missed: true, position: 0n, end: () => {} }) },
    quotas: createQuotas({ nowMs: () => Date.parse(now), bytesPerDay: 100_000 }),
    record: recordSignals(store.append),
    native: {
      sources: [],
      receive: async () => ({ tag: "unavailable", reason: "no source here" }),
      preview: ({ source }) => ({ tag: "unrecognised", source, reason: "no source here" }),
      isSignedBySns: () => false,
      checkSns: async () => ({ ok: true }),
      quarantine: async () => ({ items: [], next_cursor: null }),
      redrive: async () => ({ tag: "not_found" }),
      redriveMapped: async () => 0,
    },
    keepRefused: (webhook, reason, context) =>
      keepInQuarantine({ append: store.append, bounds: unbounded }, webhook, reason, context),
    ...emptyReadModel(note),
    ...(queries === undefined ? {} : { queries: { ...emptyReadModel(note).queries, ...queries } }),
    acknowledgedUpTo: async () => 0n,
    holdsUpTo: async () => true,
    waitFor: async () => true,
    replayIncident: () => events([]),
    replayProject: () => events([]),
    dependencies: async () => ({ event_store: { ok: true, detail: "ok" } }),
    takesWebhooks: async () => undefined,
    metrics: createMetrics(
      {
        projectorLagSeconds: () => 1.5,
        projectorLagBytes: () => 300,
        projectorPosition: () => 4_711,
        deadLetters: () => 2,
        spooled: () => 4,
        spooledBytes: () => 4_000,
        oldestSpooledSeconds: () => 5,
        spoolBacklogSeconds: () => 0,
        damagedInSpool: () => 0,
        forwarded: () => 6,
        refusedByStore: () => 1,
      },
      0,
    ),
    metricsKey: undefined,
    log: { debug: log, info: log, warn: log, error: log },
    now: () => now,
    newRequestId: () => "made-here",
    maxBodyBytes: 4_096,
    version: "1.2.3",
    ...others,
  });
  const client = clientOf(http.handle);
  while (!registry.ready()) await new Promise((resolve) => setImmediate(resolve));
  await registerProjects(client);
  return {
    ...client,
    get appended() {
      return store.events.map(({ stream, id, type, data, metadata }) => ({
        stream,
        event: { id, type, data, metadata } as NewEvent,
      }));
    },
    asked,
    logged,
    failAppends: (outcome) => {
      store.answerInstead(outcome && (async () => outcome));
    },
    setNow: (text) => {
      now = instant(text);
    },
  };
}

type Note = <T>(name: string, answer: T) => (...given: unknown[]) => Promise<T>;

/** A read model that holds nothing. `note` is told what it is asked. */
export function emptyReadModel(note: Note): Pick<HttpDependencies, "queries" | "deadLetters"> {
  return {
    queries: {
      incidents: note("incidents", { items: [], next_cursor: null }),
      incident: note("incident", undefined as IncidentDetail | undefined),
      timeline: note("timeline", { items: [], next_cursor: null }),
      pairs: note("pairs", { items: [], next_cursor: null }),
      mttr: note("mttr", exampleOf(mttrAnswer) as MttrAnswer),
      deadLetters: note("deadLetters", { items: [], next_cursor: null }),
      sources: note("sources", { items: [], next_cursor: null }),
      unknownStatuses: note("unknownStatuses", { items: [], next_cursor: null }),
      keyUsage: note("keyUsage", new Map()),
    },
    deadLetters: {
      one: note("redrive one", undefined),
      all: note("redrive all", { applied: 0, failing: 0, waiting: 0 }),
    },
  };
}

/** Asks whatever answers requests, and holds its answers to their schemas. */
export function clientOf(unchecked: Client["handle"]): Client {
  const handle = heldToSchema(unchecked);
  const ask = async (method: string, path: string, options: AskOptions = {}): Promise<Answer> => {
    const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const response = await handle(
      new Request(`http://ledger${path}`, {
        method,
        headers: {
          ...(options.key === undefined ? {} : { "X-API-Key": options.key }),
          ...options.headers,
        },
        ...(body === undefined ? {} : { body }),
      }),
    );
    const text = await response.text();
    const isJson =
      response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  };
  return {
    handle,
    ask,
    keyFor: async (project, scopes, expires_at) => {
      const made = await ask("POST", `/api/projects/${project}/keys`, {
        key: adminKey,
        body: { label: "test", scopes, ...(expires_at === undefined ? {} : { expires_at }) },
      });
      return made.body.key;
    },
  };
}

/** Two projects, A with a repository. */
export async function registerProjects({ ask }: Client): Promise<void> {
  const admin = { key: adminKey };
  await ask("POST", "/api/projects", { ...admin, body: { name: "A", project_uuid: projectA } });
  await ask("POST", "/api/projects", { ...admin, body: { name: "B", project_uuid: projectB } });
  await ask("POST", `/api/projects/${projectA}/repositories`, {
    ...admin,
    body: { name: "shop", repo_uuid: repoA },
  });
}

export async function* events(list: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* list;
}

export const recorded = (revision: number, fields: Partial<RecordedEvent> = {}): RecordedEvent => ({
  id: `00000000-0000-4000-8000-${String(revision).padStart(12, "0")}`,
  type: "IncidentSignalRecorded",
  stream: `incident-${projectA}.i`,
  revision: BigInt(revision),
  position: 18_446_744_073_709_551_000n + BigInt(revision),
  recorded_at: new Date("2025-03-01T00:00:00Z"),
  data: { status: "DOWN" },
  metadata: { source: "contract" },
  ...fields,
});

export function instant(text: string): Instant {
  const read = parseInstant(text);
  if (!read.ok) throw new Error(read.problem);
  return read.value;
}
