// The read model's database as the projector's statements see it: rows, dead letters and checkpoint move together or
// not at all, answers get lost, the server crashes and forgets its last commits (synchronous_commit = off), and one bad
// row fails its whole statement. What the projections' SQL makes of rows is tested on a real Postgres (test/projections).

import type { Row } from "../../projections/projection.ts";
import { forEver, type Life, type World } from "./world.ts";

export interface Commit {
  readonly from: bigint | undefined;
  readonly upTo: bigint;
  /** The timeline's rows: one for each signal. */
  readonly rows: readonly Row[];
  readonly letters: readonly { readonly event_id: string; readonly position: string }[];
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
  readonly end: () => Promise<void>;
}

export interface SimulatedDatabase {
  readonly openSession: (life: Life) => SimulatedSession;
  /** All that it holds, in the order in which it came. */
  readonly commits: () => readonly Commit[];
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
      if (text.includes("to_regclass")) return ask(() => [{ is_there: true }]);
      if (text.includes("select 1 from checkpoints")) return ask(() => [{}]);
      if (text.includes("select position") && text.includes("from checkpoints")) {
        const letters = () => commits.reduce((sum, commit) => sum + commit.letters.length, 0);
        return ask(() => [{ position: checkpoint?.toString() ?? null, dead_letters: letters() }]);
      }
      if (text.includes("from dead_letters where asked > tried")) return ask(() => []);
      throw new Error(`The simulated database does not know ${text}`);
    };
    const unsafe = (text: string, values: readonly (string | null)[] = []): Promise<readonly Row[]> =>
      ask(() => {
        if (!text.includes("select advance_checkpoint(")) return [];
        apply(text, values);
        return [{ pid: session.pid }];
      });
    return {
      sql: Object.assign(query, { unsafe }),
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

  function apply(text: string, values: readonly (string | null)[]): void {
    const from = values[1] === null ? undefined : BigInt(values[1] ?? "");
    const upTo = BigInt(values[2] ?? "");
    if (from !== checkpoint && lie !== "checkpoint_not_compared") {
      counts.losers += 1;
      throw fault("LC001");
    }
    const place = /\btimeline_apply\(\$(\d+)/.exec(text)?.[1];
    const rows: readonly Row[] = place === undefined ? [] : JSON.parse(values[Number(place) - 1] ?? "[]");
    if (rows.some(({ message }) => String(message).includes(poison))) {
      counts.refused += 1;
      throw fault("22P05");
    }
    commits.push({ from, upTo, rows, letters: JSON.parse(values[3] ?? "[]") });
    checkpoint = upTo;
    world.note(`applied ${upTo}`);
  }

  return {
    openSession,
    commits: () => commits,
    crash: () => {
      counts.crashes += 1;
      for (const session of sessions) session.isBroken = true;
      sessions = [];
      leader = undefined;
      const forgotten = Math.min(commits.length, random.below(4));
      counts.forgotten += forgotten;
      const kept = commits.slice(0, commits.length - forgotten);
      checkpoint = kept.at(-1)?.upTo;
      if (lie !== "checkpoint_apart") commits = kept;
    },
    faults,
    counts,
  };
}

const quietly = (work: () => unknown): void => {
  try {
    work();
  } catch {
    // Nobody hears of it.
  }
};

const fault = (code: string): Error => Object.assign(new Error(`simulated ${code}`), { code });
