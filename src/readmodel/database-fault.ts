// Tells a fault of the data from a fault of the database. Knows no projection.

/** The SQLSTATE of what postgres.js threw; its own codes (`CONNECTION_CLOSED`) too. */
export function faultCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Whether Postgres refuses the data itself and will refuse it for ever: data exceptions (22), constraint violations
 * (23, 44), program limits such as a value too long for an index (54), and what a projection's function does not
 * foresee (20, 21, P0). Anything else may be better on another try.
 */
export function isDataFault(error: unknown): boolean {
  return /^(2[0-3]|44|54|P0)[0-9A-Z]{3}$/.test(faultCode(error) ?? "");
}

/** One line for logs and status: what Postgres said, without the data that it said it about. */
export function faultReason(error: unknown): string {
  const code = faultCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return `${message.split("\n", 1)[0]?.slice(0, 300) ?? ""}${code === undefined ? "" : ` (${code})`}`;
}
