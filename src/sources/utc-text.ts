// Times that name UTC by that word, `2025-01-15 10:30:00 UTC`, as Ruby prints them. Knows no tool.

import type { Instant } from "../domain/instant.ts";
import { timeText } from "./tool-times.ts";

/** As `timeText`, which reads an offset or `Z` only. */
export const utcText = (value: unknown): Instant | undefined =>
  timeText(typeof value === "string" ? withZ(value.trim()) : value);

const withZ = (text: string): string => (text.endsWith(" UTC") ? `${text.slice(0, -4).trimEnd()}Z` : text);
