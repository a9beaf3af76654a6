// Makes a query wait, where it asks for that, until its answer shows what it has to: everything up to a position, or
// everything that this process had acknowledged when the query came.

import type { ProjectUuid } from "../domain/ids.ts";
import { unavailable } from "./answer.ts";
import type { HttpDependencies } from "./ports.ts";

/** What a query may ask for; schemas.ts describes it. */
export interface AskedState {
  readonly min_position?: string;
  readonly fresh?: boolean;
}

/** How long a query waits, whatever it waits for. */
const longestWaitMs = 5_000;
const notStored = "Not everything that was acknowledged is in the event store yet.";

/** Before an answer from the read model: the refusal where it does not show what it has to in time. */
export async function waitForReadModel(
  { min_position, fresh }: AskedState,
  project: ProjectUuid,
  { acknowledgedUpTo, waitFor }: Pick<HttpDependencies, "acknowledgedUpTo" | "waitFor">,
): Promise<Response | undefined> {
  if (min_position === undefined && fresh !== true) return undefined;
  const end = performance.now() + longestWaitMs;
  let position = BigInt(min_position ?? 0);
  if (fresh === true) {
    const acknowledged = await acknowledgedUpTo(project, longestWaitMs);
    if (acknowledged === undefined) return unavailable(notStored);
    if (acknowledged > position) position = acknowledged;
  }
  return (await waitFor(position, end - performance.now()))
    ? undefined
    : unavailable(`The read model has not come to position ${position} yet.`);
}

/** The same before an answer that is read from the event store itself. */
export async function waitForEventStore(
  { min_position, fresh }: AskedState,
  project: ProjectUuid,
  { acknowledgedUpTo, holdsUpTo }: Pick<HttpDependencies, "acknowledgedUpTo" | "holdsUpTo">,
): Promise<Response | undefined> {
  const end = performance.now() + longestWaitMs;
  if (fresh === true && (await acknowledgedUpTo(project, longestWaitMs)) === undefined)
    return unavailable(notStored);
  if (min_position === undefined || (await holdsUpTo(BigInt(min_position), end - performance.now())))
    return undefined;
  return unavailable(`The event store has not come to position ${min_position} yet.`);
}
