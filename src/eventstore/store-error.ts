// What an error of the client means for the caller. The client has three kinds of errors for one and the same
// thing (its own classes, raw gRPC errors, texts it could not recognise); this file alone tells them apart.

export type StoreFault =
  /** The stream was not as expected, or is deleted for ever. Nothing was written. */
  | "conflict"
  /** Refused for its size. Nothing was written. */
  | "too_large"
  /** The stream does not exist. */
  | "missing"
  /** No or wrong user or password, or the user may not do this. */
  | "denied"
  /** Not now: down, frozen, busy, not the leader, cut off. An append may or may not have happened. */
  | "unavailable";

const byType = new Map<string, StoreFault>([
  ["wrong-expected-version", "conflict"],
  ["stream-deleted", "conflict"],
  ["maximum-append-size-exceeded", "too_large"],
  ["stream-not-found", "missing"],
  ["no-stream", "missing"],
  ["access-denied", "denied"],
]);

/** gRPC's UNAUTHENTICATED and PERMISSION_DENIED, which the client hands on raw or as "unknown" where no trailer says more. */
const deniedCodes = new Set<unknown>([7, 16]);

/** Everything not known to be final counts as "unavailable": asking again with the same ids is always safe. */
export function storeFault(error: unknown): StoreFault {
  const { type, code, message } = partsOf(error);
  const fault = typeof type === "string" ? byType.get(type) : undefined;
  if (fault !== undefined) return fault;
  if (deniedCodes.has(code)) return "denied";
  // The batch path has no class for a single event that is too large, only the server's text.
  return saysTooLarge(message) ? "too_large" : "unavailable";
}

/** Whether the server refused for a reason that the client has no name for. */
export const isUnknownError = (error: unknown): boolean => partsOf(error).type === "unknown";

function saysTooLarge(message: string): boolean {
  const said = message.slice(0, 1_000).toLowerCase().replace(/\s+/g, "");
  const at = said.search(/append(event)?size/);
  return at >= 0 && said.includes("exceed", at);
}

/** One line saying what went wrong, for logs and outcomes. */
export function faultReason(error: unknown): string {
  const { type, message } = partsOf(error);
  const text = message === "" ? (typeof type === "string" ? type : "unknown error") : message;
  return text.replace(/\s+/g, " ").slice(0, 300);
}

/**
 * Whether the client stays broken after this error. It keeps a failed first question ("which methods do you have?")
 * for ever unless the failure was one it reconnects on, so it has to be made anew.
 */
export function spoilsClient(error: unknown): boolean {
  const { type, code } = partsOf(error);
  if (type === undefined) return code !== 14;
  return type === "access-denied";
}

function partsOf(error: unknown): { type: unknown; code: unknown; message: string } {
  if (typeof error !== "object" || error === null)
    return { type: undefined, code: undefined, message: String(error) };
  const { type, code, message, details } = error as Record<string, unknown>;
  const text = typeof message === "string" && message !== "" ? message : details;
  return { type, code, message: typeof text === "string" ? text : "" };
}
