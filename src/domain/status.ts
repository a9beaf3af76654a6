// Which kind a tool's word for a status means. Pure.

import type { Kind, MappedKind } from "./signal.ts";

/** Words of many tools (the ingest contract's table; PENDING and MAINTENANCE are Uptime Kuma's). */
const builtIn: ReadonlyMap<string, MappedKind> = new Map([
  ...(
    "DOWN FIRING ALERT WARN ACTIVATED TRIGGER OPEN PROBLEM_OPEN PROBLEM CRITICAL CREATE UPDATE ACTIVE FAILURE " +
    "TRIGGERED PENDING"
  )
    .split(" ")
    .map((word) => [word, "ALERT"] as const),
  ..."UP RESOLVED RECOVERY CLOSED RESOLVE OK PROBLEM_CLOSE CLOSE SUCCESS MAINTENANCE"
    .split(" ")
    .map((word) => [word, "RECOVERY"] as const),
]);

/** The contract's words and their kinds. */
export const knownWords: Iterable<readonly [string, MappedKind]> = builtIn;

/** The form in which words are compared: trimmed, upper case. */
export const normaliseStatus = (status: string): string => status.trim().toUpperCase();

/** What may stand around a word and say nothing: emoji, brackets, punctuation, white space. */
const decoration = /[\p{P}\p{So}\p{Sk}\p{M}\p{Cf}\s]+/gu;

/**
 * The one word that is left of a decorated status ("🔴 Down", "[UP]", "Status: Resolved"), in the form in which words are
 * compared; undefined where none or several are left ("not OK"), or where a sign may deny or turn it ("!OK", "-> DOWN").
 */
export function bareWord(status: string): string | undefined {
  const told = status.replace(/^[^\p{L}\p{N}]*status\s*[:：]/iu, "");
  if (/!\s*[\p{L}\p{N}]/u.test(told)) return undefined;
  const [word, ...others] = told
    .replaceAll("_", "\u0000")
    .split(decoration)
    .filter((part) => part !== "");
  if (word === undefined || others.length > 0) return undefined;
  const bare = normaliseStatus(word.replaceAll("\u0000", "_"));
  return /^[\p{L}\p{N}_]+$/u.test(bare) ? bare : undefined;
}

/**
 * The kind of a status: the project's own mapping first, then the built-in words, first as it came and then without its
 * decoration; `null` for any other word.
 */
export function kindOf(status: string, mappings: Readonly<Record<string, MappedKind>>): Kind {
  for (const word of wordsOf(status)) {
    const kind = Object.hasOwn(mappings, word) ? mappings[word] : builtIn.get(word);
    if (kind !== undefined) return kind;
  }
  return null;
}

/** The kind by the project's own mapping alone. */
export const mappedKindOf = (
  status: string,
  mappings: Readonly<Record<string, MappedKind>>,
): MappedKind | undefined => {
  const word = wordsOf(status).find((one) => Object.hasOwn(mappings, one));
  return word === undefined ? undefined : mappings[word];
};

function wordsOf(status: string): readonly string[] {
  const bare = bareWord(status);
  const whole = normaliseStatus(status);
  return bare === undefined ? [whole] : [whole, bare];
}
