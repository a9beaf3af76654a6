// Reads the body of the contract's own webhook (POST /api/incidents/webhook/) into fields. Decides nothing about keys,
// projects or storage.

import { type ProjectUuid, parseIncidentId, parseProjectUuid, parseRepoUuid } from "../domain/ids.ts";
import { parseInstant } from "../domain/instant.ts";
import type { SignalFields } from "../domain/signal.ts";
import { bodyText } from "./body-text.ts";
import { contractFields } from "./contract-fields.ts";
import { strictJson } from "./lenient-json.ts";
import { readTolerantly } from "./tolerant-reader.ts";
import { numberText, repeatedName } from "./top-level-fields.ts";

export type ContractReading =
  | {
      readonly tag: "fields";
      readonly project_uuid: ProjectUuid;
      readonly fields: SignalFields;
      /** The body's text, verbatim. */
      readonly payload: string;
      /** The body was broken JSON and the tolerant reader read it. */
      readonly repaired: boolean;
      /** In which the body came, where that was not UTF-8. */
      readonly charset?: string;
    }
  /** A tool's Test button: nothing is to be recorded. */
  | { readonly tag: "test"; readonly project_uuid: ProjectUuid }
  /** What cannot be a UUID names nothing that exists; everything else is in order. */
  | { readonly tag: "no_project"; readonly project_uuid: string }
  | { readonly tag: "no_repository"; readonly project_uuid: ProjectUuid; readonly repo_uuid: string }
  /** `error` in a few words; `details` name the field and what was wrong with it. */
  | { readonly tag: "problem"; readonly error: string; readonly details: string };

const problem = (error: string, details: string): ContractReading => ({ tag: "problem", error, details });

/** Longest text of each bounded field, in UTF-16 code units. message is as long as the body may be. */
const longest = {
  monitor_id: 512,
  status: 512,
  local_time: 512,
  timezone: 512,
  monitor_name: 4_096,
} as const;

type Given = Readonly<Record<string, unknown>>;

/** Reads JSON whatever the Content-Type says, in whatever charset it came. */
export function readContractWebhook(body: Uint8Array, contentType?: string): ContractReading {
  const { text, charset } = bodyText(body, contentType);
  if (text.trim() === "") return problem("Invalid JSON", "The body is empty; it must be a JSON object.");
  const parsed = parseBody(text);
  if (!parsed.ok) return problem("Invalid JSON", parsed.details);
  const reading = readFields(parsed.given, {
    payload: text,
    source: parsed.source,
    repaired: parsed.repaired,
  });
  return charset === undefined || reading.tag !== "fields" ? reading : { ...reading, charset };
}

type ParsedBody =
  | { readonly ok: true; readonly given: Given; readonly source: string; readonly repaired: boolean }
  | { readonly ok: false; readonly details: string };

function parseBody(text: string): ParsedBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return repair(text, error instanceof Error ? error.message : String(error));
  }
  // A sender that quotes its whole body (Uptime Kuma does when it is no valid JSON) means the text inside.
  if (typeof value === "string") {
    const inner = value;
    try {
      const again: unknown = JSON.parse(inner);
      if (isObject(again)) return unambiguous(again, inner);
    } catch (error) {
      return repair(inner, error instanceof Error ? error.message : String(error));
    }
    return { ok: false, details: "The body is a JSON string; it must be a JSON object." };
  }
  if (!isObject(value)) {
    return { ok: false, details: `The body is ${nameOf(value)}; it must be a JSON object.` };
  }
  return unambiguous(value, text);
}

const fieldNames: ReadonlySet<string> = new Set(contractFields);
const quotedNames = contractFields.map((name) => `"${name}"`);

/**
 * A template that escapes nothing can turn a message into fields: `x", "status": "UP` is then valid JSON that says
 * status twice. Which of the two is meant is not certain, so it is refused.
 */
function unambiguous(given: Given, source: string): ParsedBody {
  // Most bodies have each name once anywhere, with no name written in escapes, and need no closer look.
  const closer = quotedNames.some((name) => standsTwice(source, name)) || source.includes("\\u00");
  const repeated = closer ? repeatedName(source, fieldNames) : undefined;
  return repeated === undefined
    ? { ok: true, given, source, repaired: false }
    : {
        ok: false,
        details: `${repeated} stands in the body more than once, so it can be read in more than one way.`,
      };
}

function standsTwice(text: string, part: string): boolean {
  const first = text.indexOf(part);
  return first >= 0 && text.includes(part, first + part.length);
}

function repair(text: string, reason: string): ParsedBody {
  const strict = strictJson(text);
  if (strict !== undefined) {
    try {
      const value: unknown = JSON.parse(strict);
      const parsed = isObject(value) ? unambiguous(value, strict) : undefined;
      if (parsed !== undefined) return parsed.ok ? { ...parsed, repaired: true } : parsed;
    } catch {
      // It is broken in another way too.
    }
  }
  const read = readTolerantly(text);
  return read.ok
    ? { ok: true, given: read.fields, source: text, repaired: true }
    : { ok: false, details: `The body is not valid JSON (${plain(reason)}); ${read.problem}.` };
}

function readFields(
  given: Given,
  from: { payload: string; source: string; repaired: boolean },
): ContractReading {
  const problems: string[] = [];
  const own = (name: string): unknown => (Object.hasOwn(given, name) ? given[name] : undefined);

  const text = (name: string, rule: { required: boolean; longest?: number; numbers?: boolean }) => {
    let value = own(name);
    if (rule.numbers && typeof value === "number") value = numberText(from.source, name) ?? String(value);
    if (value === undefined || (value === null && !rule.required)) {
      if (rule.required) problems.push(`${name} is missing`);
      return undefined;
    }
    if (typeof value !== "string") {
      problems.push(`${name} must be a string, not ${nameOf(value)}`);
      return undefined;
    }
    // What Go's text/template prints for a label that is not there.
    if (!rule.required && value === "<no value>") return undefined;
    if (rule.longest !== undefined && value.length > rule.longest) {
      problems.push(`${name} has ${value.length} characters; at most ${rule.longest} are allowed`);
      return undefined;
    }
    return value;
  };

  const projectText = text("project_uuid", { required: true });
  const monitorName = text("monitor_name", { required: false, longest: longest.monitor_name });
  const message = text("message", { required: false });
  const projectUuid = projectText === undefined ? undefined : parseProjectUuid(projectText.trim());
  if (projectText?.trim() === "") problems.push("project_uuid is empty");
  // A template that a test button filled names neither an incident nor a time.
  const isTest =
    own("incident_id") === "" &&
    (own("incident_time") === "" || (monitorName === "" && message?.endsWith(" Testing") === true));
  if (projectText !== undefined && problems.length === 0 && isTest) {
    return projectUuid === undefined
      ? { tag: "no_project", project_uuid: projectText }
      : { tag: "test", project_uuid: projectUuid };
  }

  const idText = text("incident_id", { required: true, numbers: true });
  const incidentId = idText === undefined ? undefined : parseIncidentId(idText);
  if (idText !== undefined && incidentId === undefined) {
    problems.push(
      idText === ""
        ? "incident_id is empty"
        : `incident_id has ${idText.length} characters; at most 512 are allowed`,
    );
  }
  const status = text("status", { required: true, longest: longest.status });
  if (status !== undefined && status.trim() === "") problems.push("status is empty");
  const timeText = text("incident_time", { required: true });
  const time = timeText === undefined ? undefined : parseInstant(timeText);
  if (timeText !== undefined && time?.ok === false) {
    problems.push(`Cannot read incident_time ${quote(timeText)}: ${time.problem}`);
  }
  const monitorId = text("monitor_id", { required: false, longest: longest.monitor_id, numbers: true });
  const repoText = text("repo_uuid", { required: false });
  const repoUuid = repoText === undefined || repoText === "" ? undefined : parseRepoUuid(repoText.trim());
  const localTime = text("local_time", { required: false, longest: longest.local_time });
  const timezone = text("timezone", { required: false, longest: longest.timezone });

  if (
    problems.length > 0 ||
    projectText === undefined ||
    incidentId === undefined ||
    status === undefined ||
    time?.ok !== true
  ) {
    return problem("Invalid webhook", `${problems.join("; ")}.`);
  }
  if (projectUuid === undefined) return { tag: "no_project", project_uuid: projectText };
  if (repoText !== undefined && repoText !== "" && repoUuid === undefined) {
    return { tag: "no_repository", project_uuid: projectUuid, repo_uuid: repoText };
  }
  return {
    tag: "fields",
    project_uuid: projectUuid,
    payload: from.payload,
    repaired: from.repaired,
    fields: {
      incident_id: incidentId,
      status,
      incident_time: time.value,
      ...(monitorName === undefined ? {} : { monitor_name: monitorName }),
      ...(monitorId === undefined ? {} : { monitor_id: monitorId }),
      ...(repoUuid === undefined ? {} : { repo_uuid: repoUuid }),
      ...(message === undefined ? {} : { message }),
      ...(localTime === undefined ? {} : { local_time: localTime }),
      ...(timezone === undefined ? {} : { timezone }),
    },
  };
}

const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const nameOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${typeof value}`;

/** A sender's text as a sentence may quote it: one line, at most 80 characters. */
const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** The parser's reason on one line, without the piece of the body that V8 quotes behind it. */
const plain = (reason: string): string =>
  reason
    .replace(/^JSON Parse error: /, "")
    .replace(/, (?:\.\.\.)?".*$/s, "")
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .slice(0, 120);
