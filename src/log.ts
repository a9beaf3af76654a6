// Structured log lines: one line of JSON an event, or a readable form on a terminal. Secrets and raw control characters
// never get into it.

import { pino } from "pino";
import { PinoPretty } from "pino-pretty";

export interface LogOptions {
  readonly level: string;
  /** auto: readable on a terminal, JSON elsewhere. */
  readonly format: "auto" | "json" | "pretty";
}

export interface Log {
  readonly debug: (details: object, message: string) => void;
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
  readonly fatal: (details: object, message: string) => void;
}

const secret = ["key", "api_key", "secret", "token", "password", "authorization", "x-api-key"];

export function createLog(options: LogOptions): Log {
  const pretty = options.format === "pretty" || (options.format === "auto" && process.stdout.isTTY === true);
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }), log: withoutControls },
      redact: { paths: secret.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: "[redacted]" },
    },
    pretty
      ? PinoPretty({ colorize: process.stdout.isTTY === true, sync: true, translateTime: "SYS:HH:MM:ss" })
      : pino.destination({ sync: true }),
  );
}

/** Texts of senders on one line: line breaks, escapes and other controls are shown, not obeyed, and bounded. */
function withoutControls(details: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === "string" ? shown(value) : value]),
  );
}

const shown = (text: string): string =>
  text
    .slice(0, 2_000)
    .replace(
      /[\p{Cc}\u2028\u2029]/gu,
      (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
