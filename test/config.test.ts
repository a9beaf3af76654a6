// What the environment may say, what it means when it says nothing, and how a wrong value is refused.

import { describe, expect, test } from "bun:test";
import {
  type Config,
  childEnvironment,
  type Environment,
  readConfig,
  withoutPassword,
} from "../src/config.ts";

const user = { uid: 1000, homeDir: "/home/ada", workDir: "/home/ada/ledger" };

function accepted(env: Environment, machine = user): Config {
  const reading = readConfig(env, machine);
  if (!reading.ok) throw new Error(reading.problems.join("\n"));
  return reading.value;
}

function refused(env: Environment): readonly string[] {
  const reading = readConfig(env, user);
  return reading.ok ? [] : reading.problems;
}

describe("an empty environment", () => {
  test("means the embedded default on loopback", () => {
    expect(accepted({})).toEqual({
      host: "127.0.0.1",
      port: 3000,
      dataDir: "/home/ada/.local/share/incident-ledger",
      eventstoreUrl: undefined,
      databaseUrl: undefined,
      adminApiKey: undefined,
      logLevel: "info",
      logFormat: "auto",
      maxBodyBytes: 262_144,
      drainTimeoutMs: 3_000,
      secretsKey: undefined,
      sns: "off",
      ack: "store",
      spoolMaxBytes: 1_073_741_824,
      metricsKey: undefined,
      keyBytesPerDay: 10_737_418_240,
      quarantineEntriesPerDay: 10_000,
      quarantineBytesPerDay: 67_108_864,
      eventstorePort: 2_113,
      eventstoreAccess: "password",
    });
  });

  test("is the same as one of empty values and unknown names", () => {
    const empty = { HOST: "", PORT: " ", DATA_DIR: "", EVENTSTORE_URL: "", ADMIN_API_KEY: "", COLOUR: "red" };
    expect(accepted(empty)).toEqual(accepted({}));
  });
});

describe("the data directory", () => {
  test("of root lies where another user may reach it", () => {
    const root = { uid: 0, homeDir: "/root", workDir: "/root/ledger" };
    expect(accepted({ XDG_DATA_HOME: "/root/.data" }, root).dataDir).toBe("/var/lib/incident-ledger");
  });

  test("of a user follows XDG_DATA_HOME where that is absolute", () => {
    expect(accepted({ XDG_DATA_HOME: "/data" }).dataDir).toBe("/data/incident-ledger");
    expect(accepted({ XDG_DATA_HOME: "data" }).dataDir).toBe("/home/ada/.local/share/incident-ledger");
  });

  test("is made absolute from where the service was started", () => {
    expect(accepted({ DATA_DIR: "state" }).dataDir).toBe("/home/ada/ledger/state");
  });
});

describe("a wrong value is refused in one line", () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    ["PORT", "http", 'Cannot use PORT="http": it must be a whole number from 0 to 65535.'],
    ["PORT", "65536", 'Cannot use PORT="65536": it must be a whole number from 0 to 65535.'],
    ["PORT", "-1", 'Cannot use PORT="-1": it must be a whole number from 0 to 65535.'],
    ["HOST", "my host", 'Cannot use HOST="my host": it must be an address or a host name, like 127.0.0.1.'],
    [
      "MAX_BODY_BYTES",
      "1e6",
      'Cannot use MAX_BODY_BYTES="1e6": it must be a whole number from 1024 to 1048576.',
    ],
    [
      "LOG_LEVEL",
      "loud",
      'Cannot use LOG_LEVEL="loud": it must be one of trace, debug, info, warn, error, fatal, silent.',
    ],
    [
      "EVENTSTORE_URL",
      "http://user:secret@host:2113",
      'Cannot use EVENTSTORE_URL="http://user:***@host:2113": it must be a connection string like esdb://host:2113?tls=false.',
    ],
    [
      "DATABASE_URL",
      "mysql://user:secret@host/database",
      'Cannot use DATABASE_URL="mysql://user:***@host/database": it must be a URL like postgres://user:password@host:5432/database.',
    ],
    [
      "ADMIN_API_KEY",
      "short",
      'Cannot use ADMIN_API_KEY="...": it must be 16 to 256 printable ASCII characters without spaces.',
    ],
  ];
  for (const [name, value, line] of wrong) {
    test(`${name}=${value}`, () => {
      expect(refused({ [name]: value })).toEqual([line]);
    });
  }

  test("every wrong value is named, not only the first", () => {
    expect(refused({ PORT: "x", LOG_FORMAT: "xml" })).toHaveLength(2);
  });

  test("right values are none of them", () => {
    const right = {
      HOST: "::",
      PORT: "0",
      EVENTSTORE_URL: "esdb+discover://user:pass@one:2113,two:2113?tls=true",
      DATABASE_URL: "postgresql://user:pass@one:5432,two:5432/ledger",
      LOG_LEVEL: "WARN",
      LOG_FORMAT: "json",
    };
    expect(refused(right)).toEqual([]);
    expect(accepted(right).logLevel).toBe("warn");
  });
});

describe("a secret", () => {
  test("is left out of a URL that is shown", () => {
    expect(withoutPassword("postgres://user:p%40ss@host:5432/ledger")).toBe(
      "postgres://user:***@host:5432/ledger",
    );
    expect(withoutPassword("postgres://host/ledger?user=a&password=secret&ssl=true")).toBe(
      "postgres://host/ledger?user=a&password=***&ssl=true",
    );
    expect(withoutPassword("esdb://host:2113?tls=false")).toBe("esdb://host:2113?tls=false");
    expect(withoutPassword("postgres://user:p@ss/w?rd@host:5432/ledger")).toBe(
      "postgres://user:***@host:5432/ledger",
    );
  });

  test("is not handed to the processes that the service starts", () => {
    const env = {
      PATH: "/bin",
      ADMIN_API_KEY: "a",
      DATABASE_URL: "b",
      EVENTSTORE_URL: "c",
      EMPTY: undefined,
    };
    expect(childEnvironment(env)).toEqual({ PATH: "/bin" });
  });
});
