// What a native webhook's bytes hold, found by their content, since tools send JSON as text/plain, as a form or with no
// Content-Type at all. Knows no tool's fields.

import type { Instant } from "../domain/instant.ts";
import { parseJson } from "../sources/json-text.ts";
import type { SignatureScheme, SourcePayload } from "../sources/source.ts";
import { bodyText } from "./body-text.ts";
import { keptQuery } from "./kept-evidence.ts";
import { strictJson } from "./lenient-json.ts";
import { multipartFields } from "./multipart-fields.ts";

/** A webhook of a tool, as it came, once its key has been found right. */
export interface NativeWebhook {
  readonly body: Uint8Array;
  readonly content_type?: string;
  /** Lower-case names; keys and cookies have been taken out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without the token. */
  readonly query: Readonly<Record<string, string>>;
  /** The source's name, or "auto". */
  readonly source: string;
  readonly received_at: Instant;
  /** Absent: never verified, as in what was quarantined before this was kept. */
  readonly signature?: VerifiedSignature;
}

/** The scheme of the signature that was found right, or "none" where its key has no signing secrets to ask for one. */
export type VerifiedSignature = SignatureScheme | "none";

export type NativeParsing =
  | {
      readonly ok: true;
      readonly payload: SourcePayload;
      /** What is kept as evidence: the body as it came; for a webhook without a body its query, as JSON. */
      readonly verbatim: string;
      /** In which the body came, where that was not UTF-8. */
      readonly charset?: string;
      /** The body was broken JSON and was read all the same. */
      readonly repaired: boolean;
    }
  | { readonly ok: false; readonly reason: string };

/** The fields of a form in which tools send a whole JSON document (GitHub, Uptime Kuma). */
const documentFields = ["payload", "data"];

export function parseNative(webhook: NativeWebhook): NativeParsing {
  const { text, charset } = bodyText(webhook.body, webhook.content_type ?? webhook.headers["content-type"]);
  const content = contentOf(text, webhook);
  if (!content.ok) return content;
  return {
    ok: true,
    payload: {
      body: content.body,
      text: content.text,
      headers: webhook.headers,
      query: webhook.query,
      received_at: webhook.received_at,
    },
    verbatim: text.trim() === "" ? JSON.stringify(keptQuery(webhook.query)) : text,
    ...(charset === undefined ? {} : { charset }),
    repaired: content.repaired,
  };
}

/** The text of the bytes, or undefined where they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

type Content =
  | { readonly ok: true; readonly body: unknown; readonly text: string; readonly repaired: boolean }
  | { readonly ok: false; readonly reason: string };

function contentOf(text: string, webhook: NativeWebhook): Content {
  const start = text.trimStart().slice(0, 1);
  if (start === "") return { ok: true, body: webhook.query, text: "", repaired: false };
  if ('{["'.includes(start)) return json(text);
  const fields = multipartFields(text) ?? formFields(text);
  if (fields === undefined) return json(text);
  for (const name of documentFields) {
    const value = fields[name];
    if (value === undefined || !/^\s*[{["]/.test(value)) continue;
    const inner = json(value);
    if (inner.ok) return inner;
    if (Object.keys(fields).length === 1) return inner;
  }
  return { ok: true, body: fields, text, repaired: false };
}

/** A sender that quotes its whole body (a JSON string holding JSON) means the text inside. */
function json(text: string): Content {
  const strict = strictContent(text);
  if (strict.ok) return strict;
  const mended = strictJson(text);
  const read = mended === undefined ? strict : strictContent(mended);
  return read.ok ? { ...read, repaired: true } : strict;
}

function strictContent(text: string): Content {
  const outer = parse(text);
  if (!outer.ok || typeof outer.value !== "string") return asContent(outer, text);
  const inner = parse(outer.value);
  return inner.ok ? asContent(inner, outer.value) : asContent(outer, text);
}

type Parsing = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parse(text: string): Parsing {
  try {
    return { ok: true, value: parseJson(text) };
  } catch {
    return { ok: false };
  }
}

const asContent = (parsing: Parsing, text: string): Content =>
  parsing.ok
    ? { ok: true, body: parsing.value, text, repaired: false }
    : { ok: false, reason: "the body is neither JSON nor a form" };

/** More fields than any tool's form has: what has more is none. */
const mostFields = 1_000;

/** The fields of a form body; undefined where the text is none. Of a name that stands twice the last one counts. */
function formFields(text: string): Record<string, string> | undefined {
  const trimmed = text.trim();
  if (!/^[^\s=&{}"]{1,200}=/.test(trimmed) || /[\r\n]/.test(trimmed)) return undefined;
  if (trimmed.split("&", mostFields + 1).length > mostFields) return undefined;
  return Object.fromEntries(new URLSearchParams(trimmed));
}
