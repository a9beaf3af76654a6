// Who may feed the read model: the one of this log's processes that has the lead, and never one of another log while a
// process of the read model's own log lives. Knows no event store client.

import { type HeldLead, takeLead } from "./lead.ts";
import {
  announceLog,
  isLogAnnounced,
  type LogIdentity,
  type LogMark,
  OfAnotherLog,
  otherLogReason,
  readLogMark,
} from "./log-identity.ts";
import type { Sql } from "./postgres.ts";
import type { Progress } from "./progress.ts";
import type { ProjectorClock } from "./projector-clock.ts";
import { readServedCheckpoint } from "./schema.ts";

/** How often a standby looks at the checkpoint and whether the lead is free. */
const standbyMs = 200;
const verifyEveryMs = 1_000;
/**
 * A process that is started in the place of one that was killed may find that one's session still holding the lead. It
 * has this long to get the lead; then whoever holds it is alive.
 */
const startedAnewMs = 5_000;
/** Longer than a living process takes to open its session again. */
const absentMs = 3_000;

const howToResolve =
  "Give this service a DATABASE_URL of its own, or stop the service that uses this one and start this one again";

interface ClaimOptions {
  readonly identity: LogIdentity;
  readonly clock: ProjectorClock;
  readonly progress: Progress;
  readonly log: { error(fields: object, message: string): void };
}

export class Claim {
  readonly #options: ClaimOptions;
  readonly #startedAt: number;
  /** Whether somebody has been seen to use the read model with another log. Such a process never takes over. */
  #isRefused = false;
  #told: string | undefined;

  constructor(options: ClaimOptions) {
    this.#options = options;
    this.#startedAt = options.clock.nowMs();
  }

  /** Stands by until this process may lead; undefined where it was stopped before. Throws what Postgres and the log say. */
  async lead(sql: Sql, stop: AbortSignal): Promise<HeldLead | undefined> {
    const { identity, clock, progress } = this.#options;
    const logId = await identity.id();
    await announceLog(sql, logId);
    let verified: { readonly logId: string | undefined; readonly atMs: number } | undefined;
    while (!stop.aborted) {
      const pid = this.#isRefused ? undefined : await takeLead(sql);
      if (pid !== undefined) {
        await this.#takeFromOthers(sql, logId, stop);
        return { sql, pid };
      }
      const mark = await readLogMark(sql);
      const now = clock.nowMs();
      if (verified === undefined || verified.logId !== mark.logId || now - verified.atMs >= verifyEveryMs) {
        await this.#verifyAsStandby(mark);
        verified = { logId: mark.logId, atMs: now };
      }
      progress.follows(await readServedCheckpoint(sql));
      await clock.pause(standbyMs, stop);
    }
    return undefined;
  }

  /** Logs the reason, once, and has readiness and queries tell it. */
  tell(reason: string): void {
    this.#options.progress.ofAnotherLog(reason);
    if (this.#told !== reason) this.#options.log.error({ reason }, "the read model is of another log");
    this.#told = reason;
  }

  #ofThisLog(): void {
    this.#told = undefined;
    this.#options.progress.ofThisLog();
  }

  async #verifyAsStandby(mark: LogMark): Promise<void> {
    const { identity, clock } = this.#options;
    let reason: string | undefined;
    try {
      reason = await otherLogReason(mark, identity);
    } catch {
      // The log cannot be read now: what was found before still holds.
      return;
    }
    if (reason === undefined) {
      this.#isRefused = false;
      return this.#ofThisLog();
    }
    if (clock.nowMs() - this.#startedAt >= startedAnewMs) this.#isRefused = true;
    this.tell(this.#isRefused ? refusal(reason) : reason);
  }

  /** Leading, with a read model of another log: only where nobody with that log is there. */
  async #takeFromOthers(sql: Sql, logId: string, stop: AbortSignal): Promise<void> {
    const { identity, clock } = this.#options;
    const mark = await readLogMark(sql);
    const reason = await otherLogReason(mark, identity);
    if (reason === undefined) return this.#ofThisLog();
    this.tell(reason);
    if (mark.logId === undefined || mark.logId === logId) return;
    const end = clock.nowMs() + absentMs;
    do {
      if (await isLogAnnounced(sql, mark.logId)) {
        this.#isRefused = true;
        this.tell(refusal(reason));
        throw new OfAnotherLog(refusal(reason));
      }
      await clock.pause(standbyMs, stop);
    } while (clock.nowMs() < end && !stop.aborted);
  }
}

const refusal = (reason: string): string => `${reason}; a service with that log uses it. ${howToResolve}`;
