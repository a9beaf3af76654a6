// The read model's database as the projector's statements see it: rows, dead letters and checkpoint move together or
// not at all, answers get lost, the server crashes and forgets its last commits (synchronous_commit = off), and one bad
// row fails its whole statement. The folds look up what they need over the same connection.

import type { Stores } from "../../projections/projection.ts";
import type { Changes, Row } from "../../projections/table.ts";
import type { DeadLetter, ReadModelStore, WrittenBatch } from "../../src/readmodel/read-model-store.ts";
import { CheckpointLost } from "../../src/readmodel/read-model-store.ts";
import { MemoryTables, memoryStores } from "../projections/memory-store.ts";
import { forEver, type Life, type World } from "./world.ts";

export interface Commit {
  readonly from: bigint | undefined;
  readonly upTo: bigint;
  readonly changes: Changes | undefined;
  readonly letters: readonly DeadLetter[];
}

export interface DatabaseFaults {
  isAway: boolean;
  /** Chances of a statement: not to arrive, and to be done without an answer. */
  lost: number;
  late: number;
}

/** A database that breaks its promise, to see whether the simulation notices. */
export type DatabaseLie = "checkpoint_apart" | "checkpoint_not_compared";

/** What `openSession` answers, as far as the projector uses it. */
export interface SimulatedSession {
  readonly sql: unknown;
  readonly store: ReadModelStore;
  readonly end: () => Promise<void>;
}

export interface SimulatedDatabase {
  readonly openSession: (life: Life) => SimulatedSession;
  /** All that it holds, in the order in which it came. */
  readonly commits: () => readonly Commit[];
  readonly tables: () => MemoryTables;
  /** All sessions end, and the last commits may be forgotten. */
  readonly crash: () => void;
  readonly faults: DatabaseFaults;
  readonly counts: { lost: number; crashes: number; forgotten: number; refused: number; losers: number };
}

/** Of the one log that there is. */
export const simulatedLogId = "8d0c5a34-61f2-4b7e-a3c9-1e5f7b92d046";

/** A row with this in its message is one that the server refuses. */
export const poison = "poison";

interface Session {
  pid: number;
  readonly life: Life;
  isBroken: boolean;
}

export function createDatabase(
  world: World,
  { lie }: { readonly lie?: DatabaseLie } = {},
): SimulatedDatabase {
  const random = world.random.fork("database");
  const faults: DatabaseFaults = { isAway: false, lost: 0, late: 0 };
  const counts = { lost: 0, crashes: 0, forgotten: 0, refused: 0, losers: 0 };
  let commits: Commit[] = [];
  let tables = new MemoryTables();
  let checkpoint: bigint | undefined;
  let sessions: Session[] = [];
  let leader: Session | undefined;
  let pids = 0;

  const delayMs = (): number =>
    random.chance(faults.late) ? 100 + random.below(2_000) : 1 + random.below(5);

  function openSession(life: Life): SimulatedSession {
    const session: Session = { pid: ++pids, life, isBroken: false };
    sessions.push(session);
    let waits: Promise<unknown> = Promise.resolve();

    /** One after the other, as on one connection. */
    const ask = <T>(work: () => T): Promise<T> => {
      const asked = waits.then(() => sent(work));
      waits = asked.catch(() => undefined);
      return asked;
    };
    const sent = <T>(work: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        const answer = world.after(life, "database answers");
        const cut = (): void => {
          counts.lost += 1;
          session.isBroken = true;
          if (leader === session) leader = undefined;
          answer(random.below(20), () => reject(fault("CONNECTION_CLOSED")));
        };
        if (session.isBroken || faults.isAway) return cut();
        if (random.chance(faults.lost)) {
          // The server may still do what nobody waits for any more, though somebody else leads by then.
          if (random.chance(0.5))
            world.after(forEver, "statement arrives late")(random.below(1_500), () => quietly(work));
          return cut();
        }
        world.after(forEver, "statement arrives")(delayMs(), () => {
          if (session.isBroken || faults.isAway) return cut();
          try {
            // The client connects again by itself, and tells nobody.
            if (random.chance(faults.lost / 4)) reconnect(session);
            const value = work();
            if (random.chance(faults.lost)) return cut();
            answer(delayMs(), () => (session.isBroken ? cut() : resolve(value)));
          } catch (error) {
            answer(delayMs(), () => reject(error));
          }
        });
      });

    const query = (parts: readonly string[]): Promise<readonly Row[]> => {
      const text = parts.join("?");
      if (text.includes("pg_try_advisory_lock"))
        return ask(() => [{ taken: lock(session), pid: session.pid }]);
      if (text.includes("log_mark on true"))
        return ask(() => [{ checkpoint: checkpoint?.toString() ?? null, log_id: simulatedLogId }]);
      if (text.includes("pg_try_advisory_lock_shared")) return ask(() => []);
      if (text.includes("to_regclass"))
        return ask(() => [{ is_there: true, has_checkpoint: true, has_mark: true }]);
      if (text.includes("select 1 from checkpoints")) return ask(() => [{}]);
      if (text.includes("select position") && text.includes("from checkpoints")) {
        const letters = () => commits.reduce((sum, commit) => sum + commit.letters.length, 0);
        return ask(() => [{ position: checkpoint?.toString() ?? null, dead_letters: letters() }]);
      }
      if (text.includes("from dead_letters where asked > tried")) return ask(() => []);
      throw new Error(`The simulated database does not know ${text}`);
    };
    const unsafe = (): Promise<readonly Row[]> => ask(() => []);
    const store = {
      stores: asked(
        memoryStores(() => tables),
        ask,
      ),
      sent: async () => {},
      write: (written: WrittenBatch) =>
        ask(() => {
          apply(written);
          return session.pid;
        }),
    };
    return {
      sql: Object.assign(query, { unsafe }),
      store,
      end: async () => {
        session.isBroken = true;
        if (leader === session) leader = undefined;
      },
    };
  }

  function reconnect(session: Session): void {
    session.pid = ++pids;
    if (leader === session) leader = undefined;
  }

  function lock(session: Session): boolean {
    // A server that has not noticed yet that a client has gone still holds its lock.
    if (leader !== undefined && leader !== session && leader.life.isOver() && random.chance(0.5))
      leader = undefined;
    if (session.isBroken) return false;
    leader ??= session;
    return leader === session;
  }

  function apply({ from, upTo, changes, deadLetters }: WrittenBatch): void {
    if (from !== checkpoint && lie !== "checkpoint_not_compared") {
      counts.losers += 1;
      throw new CheckpointLost("simulated");
    }
    for (const { rows } of changes?.values() ?? []) {
      if (!rows.some(({ message }) => String(message).includes(poison))) continue;
      counts.refused += 1;
      throw fault("22P05");
    }
    if (changes !== undefined) tables.apply(changes);
    commits.push({ from, upTo, changes, letters: deadLetters });
    checkpoint = upTo;
    world.note(`applied ${upTo}`);
  }

  return {
    openSession,
    commits: () => commits,
    tables: () => tables,
    crash: () => {
      counts.crashes += 1;
      for (const session of sessions) session.isBroken = true;
      sessions = [];
      leader = undefined;
      const forgotten = Math.min(commits.length, random.below(4));
      counts.forgotten += forgotten;
      const kept = commits.slice(0, commits.length - forgotten);
      checkpoint = kept.at(-1)?.upTo;
      if (lie === "checkpoint_apart") return;
      commits = kept;
      tables = new MemoryTables();
      for (const { changes } of kept) if (changes !== undefined) tables.apply(changes);
    },
    faults,
    counts,
  };
}

/** Each of the ports' functions asked over a connection. */
function asked({ incidents, keyUsage, sources }: Stores, ask: <T>(work: () => T) => Promise<T>): Stores {
  const over = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get: (target, name) => {
        const work = Reflect.get(target, name) as (...values: unknown[]) => unknown;
        // A hash is worked out by the client.
        return name === "incidentKey" ? work : (...values: unknown[]) => ask(() => work(...values));
      },
    });
  return { incidents: over(incidents), keyUsage: over(keyUsage), sources: over(sources) };
}

const quietly = (work: () => unknown): void => {
  try {
    work();
  } catch {
    // Nobody hears of it.
  }
};

const fault = (code: string): Error => Object.assign(new Error(`simulated ${code}`), { code });
