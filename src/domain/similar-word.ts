// Which known word an unknown status is like, for a suggestion that a person judges. Pure.

import type { MappedKind } from "./signal.ts";
import { bareWord, knownWords, normaliseStatus } from "./status.ts";

export interface Suggestion {
  readonly kind: MappedKind;
  /** The known word that it is like. */
  readonly similar_to: string;
}

/** Words of many tools that the contract's table leaves unknown, and their kinds. They suggest and map nothing. */
const commonWords: ReadonlyMap<string, MappedKind> = new Map([
  ...(
    "ALARM CRIT WARNING ERROR ERR FAIL FAILED FATAL EMERGENCY MAJOR MINOR SEVERE DEGRADED OUTAGE UNHEALTHY UNREACHABLE " +
    "OFFLINE DISASTER PANIC BAD RED STARTED OPENED RAISED NEW BREACHED EXCEEDED EXPIRED LATE MISSED TIMEOUT UNSTABLE"
  )
    .split(" ")
    .map((word) => [word, "ALERT"] as const),
  ...(
    "NORMAL HEALTHY OPERATIONAL ONLINE CLEAR CLEARED CLEARS FINE GOOD GREEN FIXED RESTORED RECOVERED PASSED PASSING " +
    "SUCCEEDED COMPLETED COMPLETE DONE ENDED FINISHED STABLE REACHABLE INACTIVE AVAILABLE"
  )
    .split(" ")
    .map((word) => [word, "RECOVERY"] as const),
]);

/** Prefixes that turn a word into its opposite. */
const denial = /^(?:NOT[ _-]?|NO[ _-]|UN|IN|DE|DIS)(?=\p{L})/u;
const opposite: Readonly<Record<MappedKind, MappedKind>> = { ALERT: "RECOVERY", RECOVERY: "ALERT" };
/** How much of the longer word the two must share. */
const leastSimilarity = 0.6;
/** Nobody's status word is longer, and the time goes by the square. */
const longestWord = 64;

/** Undefined where it is like none. The project's own words (`mappings`) go before all others. */
export function suggestionFor(
  status: string,
  mappings: Readonly<Record<string, MappedKind>>,
): Suggestion | undefined {
  const word = bareWord(status) ?? normaliseStatus(status);
  if (word.length > longestWord) return undefined;
  const known = new Map([...commonWords, ...knownWords, ...Object.entries(mappings)]);
  const same = known.get(word);
  if (same !== undefined) return { kind: same, similar_to: word };
  const denied = denial.test(word) ? word.replace(denial, "") : undefined;
  const deniedKind = denied === undefined ? undefined : known.get(denied);
  if (denied !== undefined && deniedKind !== undefined) {
    return { kind: opposite[deniedKind], similar_to: denied };
  }
  let best: (Suggestion & { readonly similarity: number }) | undefined;
  for (const [similar_to, kind] of known) {
    const similarity = similarityOf(word, similar_to);
    if (similarity >= leastSimilarity && similarity > (best?.similarity ?? 0)) {
      best = { kind, similar_to, similarity };
    }
  }
  return best === undefined ? undefined : { kind: best.kind, similar_to: best.similar_to };
}

/** 1 for the same, 0 for nothing in common: by the edits that make one of the other; a part between `_` counts as whole. */
function similarityOf(word: string, known: string): number {
  if (known.length >= 4 && word.split(/[\s_-]+/u).includes(known)) return 0.95;
  return 1 - editsBetween(word, known) / Math.max(word.length, known.length);
}

/** Levenshtein's distance. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let place = 1; place <= other.length; place++) {
      const changed = (row[place - 1] ?? 0) + (one[at - 1] === other[place - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[place] ?? 0) + 1, (next[place - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
