// The environment, read once into one validated value. No other file reads the environment; this one opens nothing.

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const snsChoices = ["off", "verify", "confirm"] as const;
export const acks = ["store", "spool"] as const;
export const eventstoreAccesses = ["password", "everyone"] as const;
export const logFormats = ["auto", "json", "pretty"] as const;

export interface Config {
  readonly host: string;
  /** 0: the operating system chooses one. */
  readonly port: number;
  /** Absolute. Created by the start where it is missing. */
  readonly dataDir: string;
  /** undefined: the embedded event store. */
  readonly eventstoreUrl: string | undefined;
  /** undefined: the embedded Postgres. */
  readonly databaseUrl: string | undefined;
  /** undefined: one is generated on the first embedded start and kept in the data directory. */
  readonly adminApiKey: string | undefined;
  /** What /metrics asks for; undefined: everybody may read them. */
  readonly metricsKey: string | undefined;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: (typeof logFormats)[number];
  readonly maxBodyBytes: number;
  /** How long a stop waits for requests that were accepted. */
  readonly drainTimeoutMs: number;
  /** Seals signing secrets; undefined: one is made on the first embedded start and kept in the data directory. */
  readonly secretsKey: string | undefined;
  /** Whether Amazon SNS messages are verified, and subscriptions confirmed: the only calls this service makes. */
  readonly sns: (typeof snsChoices)[number];
  /** Where a webhook has to be before it is acknowledged: in the event store if that answers, or always on the spool. */
  readonly ack: (typeof acks)[number];
  /** The most that webhooks waiting for the event store may take up on the disk. */
  readonly spoolMaxBytes: number;
  /** The most bytes that one key may store in a day, payloads and what is kept beside them, about; 0: no bound. */
  readonly keyBytesPerDay: number;
  /** The most payloads, and bytes of them, that one project's quarantine takes in a day; 0: no bound. */
  readonly quarantineEntriesPerDay: number;
  readonly quarantineBytesPerDay: number;
  /** Only for `bun run eventstore`. */
  readonly eventstorePort: number;
  /** Only for `bun run eventstore`: who may read, append and delete. */
  readonly eventstoreAccess: (typeof eventstoreAccesses)[number];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a default depends on beside the environment. `uid` is undefined where the system knows none. */
export interface Machine {
  readonly uid: number | undefined;
  readonly homeDir: string;
  readonly workDir: string;
}

export type ConfigReading =
  | { readonly ok: true; readonly value: Config }
  /** One sentence for each wrong value. None of them holds a secret. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads the names below; unknown names are no errors. An empty value counts as absent. */
export function readConfig(env: Environment, machine: Machine): ConfigReading {
  const problems: string[] = [];
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  const refuse = (name: string, shown: string, right: string): undefined => {
    problems.push(`Cannot use ${name}=${JSON.stringify(shown)}: it must be ${right}.`);
    return undefined;
  };

  const number = (name: string, range: { absent: number; least: number; most: number }): number => {
    const value = text(name);
    if (value === undefined) return range.absent;
    const parsed = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= range.least && parsed <= range.most) return parsed;
    refuse(name, value, `a whole number from ${range.least} to ${range.most}`);
    return range.absent;
  };

  const choice = <T extends string>(name: string, words: readonly T[], absent: T): T => {
    const value = text(name)?.toLowerCase();
    if (value === undefined) return absent;
    const found = words.find((word) => word === value);
    if (found === undefined) refuse(name, value, `one of ${words.join(", ")}`);
    return found ?? absent;
  };

  const url = (name: string, right: { pattern: RegExp; words: string }): string | undefined => {
    const value = text(name);
    if (value === undefined || right.pattern.test(value)) return value;
    return refuse(name, withoutPassword(value), right.words);
  };

  const key = (name: string): string | undefined => {
    const value = text(name);
    if (value === undefined || /^[\x21-\x7e]{16,256}$/.test(value)) return value;
    return refuse(name, "...", "16 to 256 printable ASCII characters without spaces");
  };

  const secretsKey = (): string | undefined => {
    const value = text("SECRETS_KEY");
    if (value === undefined || (value.length >= 16 && value.length <= 256)) return value;
    return refuse("SECRETS_KEY", "...", "16 to 256 characters");
  };

  const host = (): string => {
    const value = text("HOST") ?? "127.0.0.1";
    if (!/^[A-Za-z0-9.:_-]+$/.test(value)) refuse("HOST", value, "an address or a host name, like 127.0.0.1");
    return value;
  };

  const value: Config = {
    host: host(),
    port: number("PORT", { absent: 3000, least: 0, most: 65_535 }),
    dataDir: resolve(machine.workDir, text("DATA_DIR") ?? defaultDataDir(env, machine)),
    eventstoreUrl: url("EVENTSTORE_URL", {
      pattern: /^(esdb|kurrentdb)(\+discover)?:\/\/[^\s/?]/i,
      words: "a connection string like esdb://host:2113?tls=false",
    }),
    databaseUrl: url("DATABASE_URL", {
      pattern: /^postgres(ql)?:\/\/[^\s]+$/i,
      words: "a URL like postgres://user:password@host:5432/database",
    }),
    adminApiKey: key("ADMIN_API_KEY"),
    metricsKey: key("METRICS_KEY"),
    logLevel: choice("LOG_LEVEL", logLevels, "info"),
    logFormat: choice("LOG_FORMAT", logFormats, "auto"),
    maxBodyBytes: number("MAX_BODY_BYTES", { absent: 262_144, least: 1_024, most: 1_048_576 }),
    drainTimeoutMs: number("DRAIN_TIMEOUT_MS", { absent: 3_000, least: 0, most: 60_000 }),
    secretsKey: secretsKey(),
    sns: choice("SNS", snsChoices, "off"),
    ack: choice("ACK", acks, "store"),
    spoolMaxBytes: number("SPOOL_MAX_BYTES", {
      absent: 1_073_741_824,
      least: 16_777_216,
      most: 999_999_999_999,
    }),
    keyBytesPerDay: number("KEY_BYTES_PER_DAY", {
      absent: 10_737_418_240,
      least: 0,
      most: 999_999_999_999,
    }),
    quarantineEntriesPerDay: number("QUARANTINE_ENTRIES_PER_DAY", {
      absent: 10_000,
      least: 0,
      most: 999_999_999,
    }),
    quarantineBytesPerDay: number("QUARANTINE_BYTES_PER_DAY", {
      absent: 67_108_864,
      least: 0,
      most: 999_999_999_999,
    }),
    eventstorePort: number("EVENTSTORE_PORT", { absent: 2_113, least: 0, most: 65_535 }),
    eventstoreAccess: choice("EVENTSTORE_ACCESS", eventstoreAccesses, "password"),
  };
  return problems.length === 0 ? { ok: true, value } : { ok: false, problems };
}

/** The environment and the machine that this process really has. */
export const environment = (): Environment => process.env;
export const thisMachine = (): Machine => ({
  uid: process.getuid?.(),
  homeDir: homedir(),
  workDir: process.cwd(),
});

/** A connection string as it may be shown: its password, which may hold an @ too, is replaced by `***`. */
export function withoutPassword(url: string): string {
  return url
    .replace(/^([a-z+]+:\/\/)(.*)@/i, (_, scheme: string, user: string) => {
      const colon = user.indexOf(":");
      return `${scheme}${colon < 0 ? user : `${user.slice(0, colon)}:***`}@`;
    })
    .replace(/([?&](?:password|sslpassword|connectionname)=)[^&]*/gi, "$1***");
}

/** The environment for processes that the service starts: its own, without what they have no business to know. */
export function childEnvironment(env: Environment): Record<string, string> {
  const hidden = new Set([
    "ADMIN_API_KEY",
    "METRICS_KEY",
    "SECRETS_KEY",
    "DATABASE_URL",
    "EVENTSTORE_URL",
    "PGPASSWORD",
  ]);
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !hidden.has(name)) kept[name] = value;
  }
  return kept;
}

function defaultDataDir(env: Environment, machine: Machine): string {
  // Root's home is closed to the user that Postgres runs as there, so root's data lives where services keep theirs.
  if (machine.uid === 0) return "/var/lib/incident-ledger";
  const shared = env.XDG_DATA_HOME?.trim();
  // The XDG specification says that a relative path is to be ignored.
  if (shared !== undefined && isAbsolute(shared)) return join(shared, "incident-ledger");
  return join(machine.homeDir, ".local", "share", "incident-ledger");
}
