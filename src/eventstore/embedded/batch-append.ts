// BatchAppend as the client calls it: one call over which many appends run at once, each answered when it is done.
// Knows the protocol and the writer, no storage.

import type { ServerDuplexStream } from "@grpc/grpc-js";
import { type BatchFailure, batchAnswer, batchFailure, stored } from "./answers.ts";
import { CollectedAppend } from "./collected-append.ts";
import type { Writer } from "./group-commit.ts";
import { readingPace } from "./reading-pace.ts";
import {
  type BatchAppendReq,
  readBatchOptions,
  readProposed,
  type Target,
  type UuidMessage,
  uuidKey,
} from "./requests.ts";

type Call = ServerDuplexStream<BatchAppendReq, object>;

/** The most appends of one call whose parts are still coming in, and the most bytes that they hold together. */
const mostUnfinished = 10_000;
const mostUnfinishedBytes = 16_777_216;

/** The most answers of one call that its client has not taken. */
const mostUntaken = 4_096;

interface Append extends Target {
  readonly correlation: UuidMessage | null;
  readonly deadlineMs: number;
  readonly collected: CollectedAppend;
}

export function batchAppend(writer: Writer, call: Call): void {
  const unfinished = new UnfinishedAppends();
  const waitFor = readingPace(call);
  const looksFor = isLedger(call) ? "each_id" : "first_id";
  let pending = 0;
  let hasEnded = false;
  const endWhenDone = (): void => {
    if (hasEnded && pending === 0) call.end();
  };
  // A client that takes no answers is not read either.
  let resume: (() => void) | undefined;
  const answersTaken = (): void => {
    resume?.();
    resume = undefined;
  };
  for (const event of ["drain", "cancelled", "close"]) call.on(event, answersTaken);
  const send = (answer: object): void => {
    if (call.cancelled || call.destroyed || call.write(answer) || resume !== undefined) return;
    if (call.writableLength < mostUntaken) return;
    waitFor(
      new Promise((resolve) => {
        resume = resolve;
      }),
    );
  };
  const refuse = (append: Append, failure: BatchFailure): void =>
    send(batchAnswer(append, batchFailure(failure, append)));

  call.on("data", (message: BatchAppendReq) => {
    const append = unfinished.next(message);
    // Parts of what is answered already.
    if (append === undefined) return;
    const failure = collect(append, message);
    if (failure !== undefined) return refuse(append, failure);
    if (!message.is_final) {
      if (!unfinished.keep(append)) refuse(append, { tag: "busy" });
      return;
    }
    pending++;
    const { stream, expected, deadlineMs, collected } = append;
    void writer
      .write({ tag: "append", stream, expected, events: collected.events, deadlineMs, looksFor })
      .then((written) => {
        if (written.tag === "written") send(batchAnswer(append, stored(written)));
        else refuse(append, written);
        pending--;
        endWhenDone();
      });
    waitFor(writer.room());
  });
  call.on("end", () => {
    hasEnded = true;
    endWhenDone();
  });
  call.on("error", () => unfinished.clear());
  call.on("cancelled", () => unfinished.clear());
}

/**
 * EventStoreDB looks for the first id of an append only, and where a revision is expected for none. The ledger sends many
 * webhooks in one append, any of which its sender may have repeated: from the connection that it appends through, each id
 * is stored once in a stream. Everybody else sees the original's rules.
 */
const isLedger = (call: Call): boolean =>
  call.metadata.get("connection-name").includes("incident-ledger-append");

/** Its deadline counts before all else that may be wrong with an append. */
function collect(append: Append, message: BatchAppendReq): BatchFailure | undefined {
  if (append.deadlineMs <= Date.now()) return { tag: "late" };
  for (const proposed of message.proposed_messages) {
    const outcome = append.collected.add(readProposed(proposed));
    if (outcome !== "added") return { tag: outcome };
  }
  return undefined;
}

/** The appends of one call whose last part is yet to come. */
class UnfinishedAppends {
  readonly #appends = new Map<string, Append>();
  #bytes = 0;

  /** The append that the message begins or goes on with, no longer kept; undefined where it does neither. */
  next({ correlation_id, options }: BatchAppendReq): Append | undefined {
    const key = uuidKey(correlation_id);
    const begun = this.#appends.get(key);
    if (begun !== undefined) {
      this.#appends.delete(key);
      this.#bytes -= begun.collected.bytes;
    }
    return options === null
      ? begun
      : {
          ...readBatchOptions(options, Date.now()),
          correlation: correlation_id,
          collected: new CollectedAppend(),
        };
  }

  /** False where the call has too many. */
  keep(append: Append): boolean {
    const bytes = this.#bytes + append.collected.bytes;
    if (this.#appends.size >= mostUnfinished || bytes > mostUnfinishedBytes) return false;
    this.#appends.set(uuidKey(append.correlation), append);
    this.#bytes = bytes;
    return true;
  }

  clear(): void {
    this.#appends.clear();
    this.#bytes = 0;
  }
}
