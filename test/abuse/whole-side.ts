// The app itself, native webhooks, spool and quarantine included, on an event log in memory, without a socket; and every
// route that it documents, so that a route is abused as soon as it is there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AppPorts, createApp } from "../../src/app/create-app.ts";
import type { ReadSide } from "../../src/app/read-side.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { EventStore } from "../../src/eventstore/client.ts";
import type { Queries } from "../../src/http/ports.ts";
import { Progress } from "../../src/readmodel/progress.ts";
import type { Disk } from "../../src/spool/disk.ts";
import { openSpool } from "../../src/spool/spool.ts";
import {
  adminKey,
  type Client,
  clientOf,
  emptyReadModel,
  instant,
  registerProjects,
} from "../http/http-side.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { anyLog } from "../readmodel/log-feed.ts";
import { memoryDisk } from "../spool/memory-disk.ts";

export interface WholeSide extends Client {
  readonly log: ReturnType<typeof memoryLog>;
  readonly routes: readonly Route[];
  readonly stop: () => Promise<void>;
}

/** Beside ports of the app, what its queries answer (else the read model holds nothing), and settings of its own. */
export async function createWholeSide({
  queries,
  settings = {},
  ...ports
}: Partial<AppPorts> & {
  readonly queries?: Partial<Queries>;
  readonly settings?: Readonly<Record<string, string>>;
} = {}): Promise<WholeSide> {
  const log = memoryLog();
  const directory = mkdtempSync(join(tmpdir(), "ledger-whole-side-"));
  const silent = (): void => {};
  const app = createApp({
    config: configOf({ DATA_DIR: directory, ...settings }),
    log: { debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
    onFailed: (reason) => {
      throw new Error(reason);
    },
    ports: {
      connectEventStore: () => storeOn(log),
      openReadSide: () => readSideOf(queries ?? {}),
      openSpool: spoolOn(memoryDisk()),
      serve: () => ({ port: 0, stop: async () => {} }),
      now: () => instant("2025-03-01T00:00:00Z"),
      newRequestId: () => "made-here",
      ...ports,
    },
  });
  const running = await app.start();
  if (running === undefined) throw new Error("The app was stopped before it had started");
  const client = clientOf(running.handle);
  await registerProjects(client);
  return {
    ...client,
    log,
    routes: await documentedRoutes(client),
    stop: async () => {
      await app.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

export const spoolOn =
  (disk: Disk): AppPorts["openSpool"] =>
  (options) =>
    openSpool({ ...options, disk });

export function storeOn(log: ReturnType<typeof memoryLog>): EventStore {
  return {
    append: log.append,
    readStream: log.readStream,
    readBackwards: log.readBackwards,
    followStream: log.follow,
    followLog: async function* () {},
    readLog: async function* ({ prefixes }) {
      yield* log.events.filter(({ stream }) => prefixes.some((prefix) => stream.startsWith(prefix)));
    },
    identity: anyLog,
    head: async () => log.events.at(-1)?.position,
    problem: async () => undefined,
    check: async () => undefined,
    close: async () => {},
  };
}

function readSideOf(queries: Partial<Queries>): ReadSide {
  const progress = new Progress();
  progress.ofThisLog();
  const empty = emptyReadModel((_name, answer) => async () => answer);
  return {
    queries: { ...empty.queries, ...queries },
    deadLetters: empty.deadLetters,
    problem: async () => undefined,
    position: () => 0n,
    waitFor: async () => true,
    status: () => progress.status(),
  };
}

function configOf(settings: Readonly<Record<string, string>> & { readonly DATA_DIR: string }): Config {
  const reading = readConfig(
    {
      // Neither is ever connected to.
      EVENTSTORE_URL: "esdb://127.0.0.1:1?tls=false",
      DATABASE_URL: "postgres://nobody@127.0.0.1:1/none",
      SECRETS_KEY: "the-secrets-key-of-tests",
      MAX_BODY_BYTES: "4096",
      ...settings,
    },
    { uid: undefined, homeDir: settings.DATA_DIR, workDir: settings.DATA_DIR },
  );
  if (!reading.ok) throw new Error(reading.problems.join(" "));
  return { ...reading.value, adminApiKey: adminKey };
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

/** Every route by its own documentation. */
async function documentedRoutes(side: Pick<Client, "ask">): Promise<readonly Route[]> {
  const { paths } = (await side.ask("GET", "/swagger/json")).body as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(paths).flatMap(([template, methods]) =>
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
}
