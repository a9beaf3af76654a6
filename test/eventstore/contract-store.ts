// What the contract suite runs against: an embedded server of its own, or the store that EVENTSTORE_URL names.
// Names of streams are unique to the run, so a store that is in use serves too.

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventStoreDBClient, type EventType, jsonEvent, type ResolvedEvent } from "@eventstore/db-client";
import { startEventStore } from "../../src/eventstore/embedded/server.ts";

export interface ContractStore {
  readonly client: EventStoreDBClient;
  readonly url: string;
  readonly close: () => Promise<void>;
}

export const connect = (url: string): EventStoreDBClient =>
  EventStoreDBClient.connectionString([url] as unknown as TemplateStringsArray);

export async function openContractStore(): Promise<ContractStore> {
  const url = process.env.EVENTSTORE_URL;
  if (url) {
    const client = connect(url);
    return { client, url, close: () => client.dispose() };
  }
  const directory = mkdtempSync(join(tmpdir(), "ledger-contract-"));
  const server = await startEventStore({
    file: join(directory, "events.sqlite"),
    host: "127.0.0.1",
    port: 0,
    password: undefined,
  });
  const client = connect(server.connectionString);
  return {
    client,
    url: server.connectionString,
    close: async () => {
      await client.dispose();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const run = randomUUID().slice(0, 8);
export const unique = (name: string): string => `contract${run}.${name}-${randomUUID().slice(0, 8)}`;

export const event = (n: number, options: { id?: string; type?: string } = {}) =>
  jsonEvent({ id: options.id ?? randomUUID(), type: options.type ?? "Counted", data: { n } });

export const numberOf = (resolved: ResolvedEvent<EventType>): number =>
  (resolved.event?.data as { n: number } | undefined)?.n ?? Number.NaN;

/** The numbers in a stream's events as a read shows them; "missing" where there is no such stream. */
export async function numbersIn(
  client: EventStoreDBClient,
  stream: string,
  options: Parameters<EventStoreDBClient["readStream"]>[1] = {},
): Promise<number[] | string> {
  const numbers: number[] = [];
  try {
    for await (const resolved of client.readStream(stream, options)) numbers.push(numberOf(resolved));
    return numbers;
  } catch (error) {
    return failureOf(error);
  }
}

export const failureOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "type" in error ? String(error.type) : String(error);

/** What an append came to: the next revision, or the kind of its failure. */
export const outcomeOf = (append: Promise<{ nextExpectedRevision: bigint }>): Promise<number | string> =>
  append.then(({ nextExpectedRevision }) => Number(nextExpectedRevision), failureOf);

interface Following {
  on(name: "data", listener: (resolved: ResolvedEvent<EventType>) => void): unknown;
  on(name: "caughtUp" | "confirmation", listener: () => void): unknown;
  on(name: "error", listener: (error: Error) => void): unknown;
  unsubscribe(): Promise<void>;
}

/** What a subscription has told so far. */
export function follow(subscription: unknown) {
  const following = subscription as Following;
  const seen: ResolvedEvent<EventType>[] = [];
  const told = { seen, caughtUp: 0, confirmed: false, failure: undefined as string | undefined };
  following.on("data", (resolved) => seen.push(resolved));
  following.on("caughtUp", () => {
    told.caughtUp++;
  });
  following.on("confirmation", () => {
    told.confirmed = true;
  });
  following.on("error", (error) => {
    told.failure = failureOf(error);
  });
  return {
    told,
    numbers: () => seen.map(numberOf),
    /** Waits at most 10 s for what the subscription should have told by then. */
    until: async (condition: () => boolean): Promise<void> => {
      const end = performance.now() + 10_000;
      while (!condition()) {
        if (performance.now() > end) {
          throw new Error(
            `Not within 10 s: saw ${seen.length} events, caught up ${told.caughtUp}, ${told.failure}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    stop: () => following.unsubscribe(),
  };
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
