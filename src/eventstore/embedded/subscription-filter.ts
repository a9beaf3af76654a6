// Which events a filtered read of the whole log shows, and how often it says how far it has looked. Pure.

import type { FilterMessage } from "./read-request.ts";
import { couldTakeLong } from "./slow-regex.ts";
import { invalidArgument } from "./wire.ts";

export interface SubscriptionFilter {
  readonly matches: (event: { readonly stream: string; readonly type: string }) => boolean;
  /** What the names of all streams that it shows begin with, where it asks for one beginning alone. */
  readonly streamPrefix: string | undefined;
  /** Considered, not matched, events between two checkpoints. */
  readonly checkpointEvery: number;
}

const defaultWindow = 32;
const longestRegex = 1_000;

/** Throws INVALID_ARGUMENT for an expression that cannot be read. */
export function readFilter(filter: FilterMessage): SubscriptionFilter {
  const multiplier = filter.checkpoint_interval_multiplier;
  if (multiplier === 0) throw invalidArgument("The checkpoint interval multiplier must be greater than 0.");
  const window = filter.window === "max" ? filter.max : defaultWindow;
  if (window === 0) throw invalidArgument("The maximum search window must be greater than 0.");
  const byType = filter.event_type;
  const expression = byType ?? filter.stream_identifier;
  const field = byType === null ? "stream" : "type";
  const regexText = expression?.regex ?? "";
  const prefixes = expression?.prefix ?? [];
  const regex = regexText === "" ? undefined : compile(regexText);
  const [first] = prefixes;
  const isOnePrefix = byType === null && regex === undefined && prefixes.length === 1 && first !== "";
  return {
    streamPrefix: isOnePrefix ? first : undefined,
    matches: (event) => {
      const text = event[field];
      return regex === undefined
        ? prefixes.length === 0 || prefixes.some((prefix) => text.startsWith(prefix))
        : regex.test(text);
    },
    checkpointEvery: multiplier * window,
  };
}

function compile(text: string): RegExp {
  if (text.length > longestRegex) throw invalidArgument(`The filter's regex is longer than ${longestRegex}.`);
  if (couldTakeLong(text)) {
    throw invalidArgument(
      `The filter's regex ${JSON.stringify(text)} could take too long: repeats are nested or many.`,
    );
  }
  try {
    return new RegExp(text);
  } catch {
    throw invalidArgument(`The filter's regex ${JSON.stringify(text)} cannot be read.`);
  }
}
