// What `$metadata` events mean for reads of their stream: `$tb`, `$maxCount`, `$maxAge`. Pure.

export interface StreamSettings {
  /** First revision that reads show; Infinity: deleted. */
  readonly truncateBefore: number;
  readonly maxCount: number | undefined;
  /** Seconds. */
  readonly maxAge: number | undefined;
}

export const metadataStreamOf = (name: string): string => `$$${name}`;

/** The stream that `$$name` describes; undefined where the name is no metadata stream's. */
export const streamOfMetadata = (name: string): string | undefined =>
  name.startsWith("$$") && !name.startsWith("$$$$") ? name.slice(2) : undefined;

/** A greater number would hide nothing either, and cannot be read back from the file exactly. */
const limit = (value: number | undefined): number | undefined =>
  value === undefined || value < 1 || value >= Number.MAX_SAFE_INTEGER ? undefined : Math.floor(value);

/** Undefined where the data is no JSON object. Settings that are no positive whole numbers are not set. */
export function readStreamMetadata(data: Uint8Array): StreamSettings | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(data).toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const settings = parsed as Record<string, unknown>;
  const number = (name: string): number | undefined => {
    const value = settings[name];
    return typeof value === "number" && value >= 0 ? value : undefined;
  };
  const truncateBefore = number("$tb") ?? 0;
  const maxCount = number("$maxCount");
  const maxAge = number("$maxAge");
  return {
    truncateBefore:
      truncateBefore > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : Math.floor(truncateBefore),
    maxCount: limit(maxCount),
    maxAge: limit(maxAge),
  };
}
