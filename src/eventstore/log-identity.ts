// Which log this is: the id that the log holds itself, and whether it holds what a read model was built from. Knows
// nothing of read models.

import { randomUUID } from "node:crypto";
import type { EventStoreDBClient } from "@eventstore/db-client";
import { logStream } from "../domain/log-started.ts";
import { type AppendEvents, EventLogUnavailable } from "../intake/event-log.ts";
import type { LogIdentity } from "../readmodel/log-identity.ts";
import { readHead, readSome, readsAt } from "./read.ts";

/** A follower of a cluster may lack what the leader has, and would be taken for another log. */
const bounds = { timeoutMs: 2_000, requiresLeader: true } as const;

/** Each call asks the store anew: it may have been exchanged or restored since the last one. */
export function createLogIdentity(client: EventStoreDBClient, append: AppendEvents): LogIdentity {
  const heldId = async (): Promise<string | undefined> => {
    const [first] = await readSome(client, logStream, { from: 0n, count: 1, ...bounds });
    return first === undefined ? undefined : logIdIn(first.data);
  };

  return {
    id: async () => {
      const held = await heldId();
      if (held !== undefined) return held;
      const log_id = randomUUID();
      const started = { id: log_id, type: "LogStarted", data: { log_id }, metadata: {} } as const;
      const outcome = await append(logStream, [started], "no_stream");
      if (outcome.tag === "unavailable")
        throw new EventLogUnavailable(`Cannot write the log's identity: ${outcome.reason}`);
      // Another process may have been first, and is then right.
      const kept = await heldId();
      if (kept === undefined)
        throw new Error(
          `Cannot read the log's identity: stream "${logStream}" takes no event and shows none. Restore it from a backup.`,
        );
      return kept;
    },
    holds: async ({ stream, revision, id, position }) => {
      const [found] = await readSome(client, stream, { from: revision, count: 1, ...bounds });
      if (found === undefined || found.revision !== revision || found.id !== id) return false;
      // Servers before 22.6 do not say the position of an event that is read by its stream.
      return found.position === 0n || found.position === position;
    },
    holdsEventAt: (position) => readsAt(client, position, bounds),
    head: () => readHead(client, bounds),
  };
}

function logIdIn(data: unknown): string {
  const id = typeof data === "object" && data !== null && "log_id" in data ? data.log_id : undefined;
  if (typeof id !== "string" || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))
    throw new Error(
      `Cannot read the log's identity: the first event of stream "${logStream}" holds no log_id that is a uuid.`,
    );
  return id;
}
