// How far the read model has come and how it fares, for those who wait and for health and metrics.
// Knows no database and no feed.

import { type ProjectorClock, realClock } from "./projector-clock.ts";
import type { Checkpoint } from "./schema.ts";
import { Waiters } from "./waiters.ts";

export interface ProjectorStatus {
  /** The last position whose effect queries can see; undefined before the first. */
  readonly position: bigint | undefined;
  /** The newest position in the store's log, where it could be read lately. */
  readonly head: bigint | undefined;
  readonly caughtUp: boolean;
  /** Whether this process projects; else it stands by for another one that does, or for Postgres. */
  readonly leading: boolean;
  /** How long ago everything stored was visible; 0 where it is. */
  readonly lagSeconds: number;
  /** head minus position: bytes of the store's log. */
  readonly lagBytes: bigint;
  /** Events that could not be projected. */
  readonly deadLetters: number;
  /** What went wrong last, and is not over yet. */
  readonly lastError: string | undefined;
  /** Why the tables that queries see are not of this process's log; they are not to be shown then. */
  readonly otherLog: string | undefined;
}

const unverified = "the read model has not been compared with the event store's log yet";

export class Progress {
  #position: bigint | undefined;
  #head: bigint | undefined;
  #caughtUp = false;
  #leading = false;
  #caughtUpAtMs: number;
  #deadLetters = 0;
  #lastError: string | undefined;
  #otherLog: string | undefined;
  #isVerified = false;
  readonly #verified = Promise.withResolvers<void>();
  #advanced = false;
  readonly #waiters = new Waiters();
  readonly #nowMs: () => number;

  constructor({ nowMs }: Pick<ProjectorClock, "nowMs"> = realClock) {
    this.#nowMs = nowMs;
    this.#caughtUpAtMs = nowMs();
  }

  get position(): bigint | undefined {
    return this.#position;
  }

  /** Resolves when it has first been found out which log the tables are of. */
  get verified(): Promise<void> {
    return this.#verified.promise;
  }

  waitFor(position: bigint, timeoutMs: number): Promise<boolean> {
    if (position <= (this.#position ?? 0n)) return Promise.resolve(true);
    return this.#waiters.wait(position, timeoutMs);
  }

  /** This process begins to project; this is how far the tables have come that queries see. */
  leads(checkpoint: Checkpoint): void {
    this.#leading = true;
    this.#caughtUp = false;
    this.#deadLetters = checkpoint.deadLetters;
    this.#moveTo(checkpoint.position);
  }

  /** Something was applied to tables that nobody sees yet. */
  built(): void {
    this.#advanced = true;
    this.#lastError = undefined;
  }

  /** The tables that queries see were built from another log: how far they have come says nothing. */
  ofAnotherLog(reason: string): void {
    this.#otherLog = reason;
    this.#verify();
    this.#position = undefined;
    this.#caughtUp = false;
  }

  ofThisLog(): void {
    this.#otherLog = undefined;
    this.#verify();
  }

  /** Another process projects; this is what the checkpoint says. */
  follows(checkpoint: Checkpoint): void {
    this.#leading = false;
    this.#deadLetters = checkpoint.deadLetters;
    this.#lastError = undefined;
    if (this.#otherLog !== undefined) return;
    this.#moveTo(checkpoint.position);
    this.#compare();
  }

  /** Events have come that the tables do not show yet. While nothing is applied, be it for a lock, the lag grows. */
  received(): void {
    if (!this.#caughtUp) return;
    this.#caughtUp = false;
    this.#caughtUpAtMs = this.#nowMs();
  }

  applied(batch: { readonly upTo: bigint; readonly deadLetters: number; readonly caughtUp: boolean }): void {
    this.#advanced = true;
    this.#deadLetters += batch.deadLetters;
    this.#lastError = undefined;
    this.#caughtUp = batch.caughtUp;
    if (batch.caughtUp) this.#caughtUpAtMs = this.#nowMs();
    this.#moveTo(batch.upTo);
  }

  /** A dead letter is none any more. */
  revived(): void {
    this.#deadLetters -= 1;
  }

  /** Projecting is interrupted. Answers whether anything was applied since the last time. */
  failed(reason: string): { readonly hadAdvanced: boolean } {
    const hadAdvanced = this.#advanced;
    this.#advanced = false;
    this.#leading = false;
    this.#caughtUp = false;
    this.#lastError = reason;
    return { hadAdvanced };
  }

  /** The feed has a fault, projecting goes on. */
  dropped(reason: string): void {
    this.#lastError = reason;
  }

  measured(head: bigint | undefined): void {
    this.#head = head;
    this.#compare();
  }

  status(): ProjectorStatus {
    const behind = (this.#head ?? 0n) - (this.#position ?? 0n);
    return {
      position: this.#position,
      head: this.#head,
      caughtUp: this.#caughtUp,
      leading: this.#leading,
      lagSeconds: this.#caughtUp ? 0 : (this.#nowMs() - this.#caughtUpAtMs) / 1000,
      lagBytes: behind > 0n ? behind : 0n,
      deadLetters: this.#deadLetters,
      lastError: this.#otherLog ?? this.#lastError ?? (this.#isVerified ? undefined : unverified),
      otherLog: this.#otherLog,
    };
  }

  end(): void {
    this.#waiters.endAll();
  }

  #verify(): void {
    this.#isVerified = true;
    this.#verified.resolve();
  }

  #moveTo(position: bigint | undefined): void {
    if (position === undefined) return;
    this.#position = position;
    this.#waiters.reached(position);
  }

  // While leading, the feed says whether everything is there: the head counts events that no projection is fed with.
  // After a fault nobody knows.
  #compare(): void {
    if (this.#leading || this.#lastError !== undefined || this.#otherLog !== undefined) return;
    this.#caughtUp = this.#head === undefined || (this.#position ?? -1n) >= this.#head;
    if (this.#caughtUp) this.#caughtUpAtMs = this.#nowMs();
  }
}
