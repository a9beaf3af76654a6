// Reads from a trace whether what was answered 200 was on the disk by then: written, flushed, and in a file and a
// directory whose names are on the disk too. Knows the marks that the senders put into their webhooks, and no format.

import { dirname } from "node:path";
import { type Call, fileOf } from "./strace.ts";

/** The calls that startTraced has to write down. */
export const orderCalls = "pwrite64,write,writev,sendto,sendmsg,fdatasync,fsync,openat,mkdir,mkdirat";

export interface Order {
  /** Answers of 200 that name a mark. */
  readonly answers: number;
  readonly flushes: number;
  /** Answers by what they lacked, in words with the mark. */
  readonly early: readonly string[];
}

const sending = new Set(["write", "writev", "sendto", "sendmsg"]);
const flushing = new Set(["fdatasync", "fsync"]);

/**
 * `mark` finds the marks in a written or sent text; each webhook has one of its own. `isKept` tells the files that a
 * webhook has to be in.
 */
export function orderIn(
  calls: readonly Call[],
  options: { readonly mark: RegExp; readonly isKept: (file: string) => boolean },
): Order {
  /** The end of the first write that holds the mark. A page of a journal is written again with what joins it later. */
  const written = new Map<string, { readonly file: string; readonly at: number }>();
  const flushes = new Map<string, Call[]>();
  const made = new Map<string, number>();
  const early: string[] = [];
  const seen = new Set<string>();
  let answers = 0;
  const isFlushed = (file: string, after: number, before: number): boolean =>
    // The newest first: it is nearly always one of the last.
    flushes.get(file)?.findLast((flush) => flush.from > after && flush.to < before) !== undefined;

  for (const call of calls.toSorted((one, other) => one.to - other.to)) {
    const file = fileOf(call);
    if (sending.has(call.name) && call.args.includes("HTTP/1.1 200")) {
      for (const [mark] of call.args.matchAll(options.mark)) {
        if (seen.has(mark)) continue;
        seen.add(mark);
        answers++;
        const kept = written.get(mark);
        if (kept === undefined) early.push(`${mark}: not written`);
        else if (!isFlushed(kept.file, kept.at, call.from)) early.push(`${mark}: not flushed`);
        else {
          for (let path = kept.file; ; path = dirname(path)) {
            const born = made.get(path);
            if (born === undefined) break;
            if (!isFlushed(dirname(path), born, call.from))
              early.push(`${mark}: the name of ${path} not flushed`);
          }
        }
      }
    } else if (file === undefined) {
    } else if (call.name === "pwrite64" && options.isKept(file) && Number(call.result) > 0) {
      for (const [mark] of call.args.matchAll(options.mark))
        if (!written.has(mark)) written.set(mark, { file, at: call.to });
    } else if (flushing.has(call.name) && call.result === "0") {
      const before = flushes.get(file);
      if (before === undefined) flushes.set(file, [call]);
      else before.push(call);
    } else if (call.name === "openat" ? call.args.includes("O_CREAT") : call.name.startsWith("mkdir")) {
      if (!call.result.startsWith("-") && !made.has(file)) made.set(file, call.to);
    }
  }
  return { answers, flushes: [...flushes.values()].reduce((sum, of) => sum + of.length, 0), early };
}
