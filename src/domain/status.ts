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

/** The form in which words are compared: trimmed, upper case. */
export const normaliseStatus = (status: string): string => status.trim().toUpperCase();

/** The kind of a status: the project's own mapping first, then the built-in words; `null` for any other word. */
export function kindOf(status: string, mappings: Readonly<Record<string, MappedKind>>): Kind {
  const word = normaliseStatus(status);
  return (Object.hasOwn(mappings, word) ? mappings[word] : builtIn.get(word)) ?? null;
}
