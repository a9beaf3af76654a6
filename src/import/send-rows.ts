// Sends rows through the service's own webhook route, so that an import is checked, stored and counted as any webhook is.
// A row that was sent before is recognised by the ledger: sending a file twice changes nothing.

import { setTimeout as pause } from "node:timers/promises";
import { CommandError, exitCodes } from "../command-line.ts";
import { type RowKind, readRow } from "./read-export.ts";
import type { FileRow, RowFields } from "./read-rows.ts";

export interface ImportTarget {
  /** Of the service, without a slash at its end. */
  readonly url: string;
  readonly key: string;
  readonly project: string | undefined;
  readonly kind: RowKind;
}

export interface RowRefusal {
  readonly row: number;
  readonly outcome: "refused" | "left_out";
  readonly reason: string;
}

export interface Sent {
  readonly rows: number;
  readonly webhooks: number;
  readonly refused: number;
  readonly left_out: number;
}

export const nothingSent: Sent = { rows: 0, webhooks: 0, refused: 0, left_out: 0 };

/** Going on makes no sense: the service cannot be reached, or knows no such key. */
export class ImportStopped extends CommandError {
  override readonly name = "ImportStopped";
  override readonly exitCode = exitCodes.unreachable;
}

/** Rows that are under way at once. */
const rowsAtOnce = 32;
const answerWithinMs = 30_000;
/** How long the service may be away or refuse for its load before the import stops. */
const patienceMs = 120_000;
const longestPauseMs = 15_000;

/**
 * Sends the rows in groups, a group's rows at the same time. `finished` hears of every group whose rows all have their
 * answer: an import that goes on later need not send them again. Throws ImportStopped.
 */
export async function sendRows(
  rows: AsyncIterable<FileRow>,
  target: ImportTarget,
  finished: (group: Sent, refusals: readonly RowRefusal[]) => void,
): Promise<void> {
  let group: FileRow[] = [];
  const sendGroup = async (): Promise<void> => {
    const outcomes = await Promise.all(group.map((row) => sendRow(row, target)));
    const refusals = outcomes.flatMap((outcome) => ("reason" in outcome ? [outcome] : []));
    const count = (wanted: RowRefusal["outcome"]): number =>
      refusals.filter(({ outcome }) => outcome === wanted).length;
    finished(
      {
        rows: group.length,
        webhooks: outcomes.reduce((sum, outcome) => sum + ("webhooks" in outcome ? outcome.webhooks : 0), 0),
        refused: count("refused"),
        left_out: count("left_out"),
      },
      refusals,
    );
    group = [];
  };
  for await (const row of rows) {
    group.push(row);
    if (group.length === rowsAtOnce) await sendGroup();
  }
  if (group.length > 0) await sendGroup();
}

async function sendRow(
  file: FileRow,
  target: ImportTarget,
): Promise<RowRefusal | { readonly webhooks: number }> {
  const { row } = file;
  if ("problem" in file) return { row, outcome: "refused", reason: file.problem };
  const reading = readRow(target.kind, file.fields, target.project);
  if (reading.tag !== "webhooks") return { row, outcome: reading.tag, reason: reading.reason };
  for (const [index, webhook] of reading.webhooks.entries()) {
    const problem = await send(webhook, target);
    if (problem === undefined) continue;
    const before = index === 0 ? "" : "the start was recorded, the end was not: ";
    return { row, outcome: "refused", reason: `${before}${problem}` };
  }
  return { webhooks: reading.webhooks.length };
}

/** Undefined once it is recorded; else why the service refuses it. */
async function send(webhook: RowFields, { url, key }: ImportTarget): Promise<string | undefined> {
  const until = performance.now() + patienceMs;
  let pauseMs = 250;
  for (;;) {
    const answer = await post(`${url}/api/incidents/webhook`, key, JSON.stringify(webhook));
    if (answer.status === 200) return undefined;
    if (answer.status === 401) throw new ImportStopped(`${url} refuses the key: ${answer.text}`);
    const mayPass = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    if (!mayPass) return `${answer.status}: ${answer.text}`;
    if (performance.now() > until) {
      throw new ImportStopped(
        `${url} took no webhook for ${patienceMs / 1_000} s (${answer.text}). Run the same command again later; it goes on where it stopped.`,
      );
    }
    await pause(Math.min(longestPauseMs, Math.max(pauseMs, answer.retryAfterMs)));
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
}

interface PostAnswer {
  /** 0: none came. */
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number;
}

async function post(url: string, key: string, body: string): Promise<PostAnswer> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "X-API-Key": key, "Content-Type": "application/json" },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const retryAfterMs = Number(answer.headers.get("retry-after") ?? 0) * 1_000 || 0;
    return { status: answer.status, text: wordsOf(await answer.text()), retryAfterMs };
  } catch (error) {
    return { status: 0, text: error instanceof Error ? error.message : String(error), retryAfterMs: 0 };
  }
}

/** The error of an answer in the contract's shape, on one line. */
function wordsOf(text: string): string {
  try {
    const { error, details } = JSON.parse(text) as { error?: unknown; details?: unknown };
    if (typeof error === "string" && typeof details === "string") return `${error}: ${details}`;
  } catch {
    // Something in between answered.
  }
  return text.replace(/\s+/g, " ").slice(0, 200);
}
