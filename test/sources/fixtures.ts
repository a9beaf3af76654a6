// The fixtures under test/fixtures/<source>/<case>.json and the payloads they describe.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import { parseNative } from "../../src/intake/native-payload.ts";
import type { SourcePayload } from "../../src/sources/source.ts";

/** An expected signal: as a source answers it, but its time in any notation; without a time, that of receipt. */
export interface ExpectedSignal {
  readonly incident_id: string;
  readonly status: string;
  readonly kind: string | null;
  readonly incident_time?: string;
  readonly started_at?: string;
  readonly [field: string]: unknown;
}

export interface Fixture {
  readonly source: string;
  readonly name: string;
  readonly payload: SourcePayload;
  /** What `auto` takes it for, where that is not its source; null for none. */
  readonly auto?: string | null;
  readonly expect:
    | {
        readonly tag: "signals";
        readonly signals: readonly ExpectedSignal[];
        readonly ignored?: number;
        readonly left_out?: number;
      }
    | { readonly tag: "ignored" | "unrecognised"; readonly reason?: string; readonly cause?: string };
}

interface Written {
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly content_type?: string;
  /** JSON; or the body's own text, where its digits or its form matter; absent for a GET. */
  readonly body?: unknown;
  readonly auto?: string | null;
  readonly expect: Fixture["expect"];
}

export const receivedAt = instant("2025-06-07T08:09:10.111Z");

const root = join(import.meta.dirname, "..", "fixtures");

function folders(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function read(source: string, file: string): Fixture {
  const written = JSON.parse(readFileSync(join(root, source, file), "utf8")) as Written;
  return {
    source,
    name: file.replace(/\.json$/, ""),
    payload: payloadOf(written),
    expect: written.expect,
    ...(written.auto === undefined ? {} : { auto: written.auto }),
  };
}

/** As the native route makes it of the bytes. */
function payloadOf(written: Written): SourcePayload {
  const { body, content_type } = written;
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    ...(content_type === undefined ? {} : { "content-type": content_type }),
    ...written.headers,
  };
  const parsed = parseNative({
    body: new TextEncoder().encode(text),
    ...(content_type === undefined ? {} : { content_type }),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    query: written.query ?? {},
    source: "auto",
    received_at: receivedAt,
  });
  if (!parsed.ok) throw new Error(`A fixture's body cannot be read: ${parsed.reason}`);
  return parsed.payload;
}

export function instant(text: string): Instant {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(`A fixture's time ${JSON.stringify(text)} is wrong: ${parsed.problem}`);
  return parsed.value;
}

export const fixtures: readonly Fixture[] = folders().flatMap((source) =>
  readdirSync(join(root, source))
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => read(source, file)),
);
