// Answers what came from each source of a project, and which status words nobody knows.

import type { Page } from "../answers/field.ts";
import type { SourceActivity, UnknownStatus } from "../answers/sources.ts";
import { type Instant, toRfc3339 } from "../domain/instant.ts";
import type { MappedKind } from "../domain/signal.ts";
import { suggestionFor } from "../domain/similar-word.ts";
import { bareWord, normaliseStatus } from "../domain/status.ts";
import { wordNumber } from "./conditions.ts";
import { nextPage, type PageBounds, readCursor } from "./cursor.ts";
import { instantOf } from "./instant-columns.ts";
import type { Sql } from "./postgres.ts";

interface CountedRow {
  readonly source: string;
  readonly outcome: string;
  readonly count: string;
  readonly last_seen: string;
  readonly last_seen_ns: number;
}

/** By name. */
export async function sourcesOf(sql: Sql, project: string): Promise<Page<SourceActivity>> {
  const rows = await sql<CountedRow[]>`
    select source, outcome, count, last_seen, last_seen_ns from source_counts
    where project_uuid = ${project} order by source collate "C", outcome collate "C"`;
  const found = new Map<string, { last: Instant; readonly counts: Map<string, number> }>();
  for (const { source, outcome, count, last_seen, last_seen_ns } of rows) {
    const at = instantOf(last_seen, last_seen_ns);
    const known = found.get(source) ?? { last: at, counts: new Map() };
    if (at > known.last) known.last = at;
    known.counts.set(outcome, Number(count));
    found.set(source, known);
  }
  const items = [...found].map(([source, { last, counts }]) => {
    const of = (outcome: string): number => counts.get(outcome) ?? 0;
    return {
      source,
      last_seen: toRfc3339(last),
      recorded: of("recorded"),
      ignored: {
        test: of("test"),
        not_production: of("not_production"),
        maintenance: of("maintenance"),
        no_change: of("no_change"),
        other_event: of("other_event"),
      },
      quarantined: of("quarantined"),
    };
  });
  return { items, next_cursor: null };
}

/** Distinct words, as they came, that are looked at: the most frequent ones. */
const mostWords = 10_000;

interface WordRow {
  readonly status: string;
  readonly count: string;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly source: string;
  readonly incident_id: string | null;
  readonly event_id: string | null;
  readonly quarantine_id: string | null;
}

/** The most frequent first. `mappings` are the project's own words, for the suggestions. */
export async function unknownStatuses(
  sql: Sql,
  project: string,
  mappings: Readonly<Record<string, MappedKind>>,
  page: PageBounds,
): Promise<Page<UnknownStatus>> {
  const [count, word] = readCursor(page.cursor, ["position", "text"]) ?? [];
  const words = new Map<string, Counted>();
  for (const row of await recordedWords(sql, project)) add(words, row);
  for (const row of await quarantinedWords(sql, project)) add(words, row);
  const rows = [...words.values()]
    .sort((a, b) => b.count - a.count || (a.status < b.status ? -1 : 1))
    .filter(
      (one) =>
        count === undefined ||
        word === undefined ||
        one.count < Number(count) ||
        (one.count === Number(count) && one.status > word),
    );
  return nextPage(
    rows.slice(0, page.limit + 1),
    page.limit,
    ({ first, last, ...item }) => ({
      ...item,
      first_seen: toRfc3339(first),
      last_seen: toRfc3339(last),
      suggestion: suggestionFor(item.status, mappings) ?? null,
    }),
    ({ count, status }) => [String(count), status],
  );
}

type Counted = Omit<UnknownStatus, "first_seen" | "last_seen" | "suggestion"> & {
  readonly first: Instant;
  readonly last: Instant;
};

/** A record counts with the time of the webhook first received. Answers show milliseconds, so nanoseconds are left out. */
const recordedWords = (sql: Sql, project: string): Promise<WordRow[]> => sql<WordRow[]>`
  with unknown as (
    select r.status, r.webhooks, r.received_at, r.source, r.event_id, i.incident_id
    from incidents i join records r on r.incident = i.incident and r.kind = 4 and r.by_word
    where i.project = ${wordNumber(sql, project)} and i.unmapped > 0
  ), counted as (
    select status, sum(webhooks) as count,
      min(received_at) as first_seen,
      max(received_at) as last_seen,
      (array_agg(source order by received_at desc, event_id))[1] as source,
      (array_agg(event_id order by received_at desc, event_id))[1] as event_id,
      (array_agg(incident_id order by received_at desc, event_id))[1] as incident_id
    from unknown group by status order by sum(webhooks) desc, status limit ${mostWords}
  )
  select w.word as status, count, first_seen, last_seen, s.word as source, incident_id,
    event_id, null as quarantine_id
  from counted join words w on w.id = counted.status join words s on s.id = counted.source`;

const quarantinedWords = (sql: Sql, project: string): Promise<WordRow[]> => sql<WordRow[]>`
  select unknown_status as status, count(*) as count,
    min(received_at) as first_seen,
    max(received_at) as last_seen,
    (array_agg(source order by received_at desc, quarantine_id))[1] as source,
    (array_agg(quarantine_id order by received_at desc, quarantine_id))[1] as quarantine_id,
    null as incident_id, null as event_id
  from quarantined where project_uuid = ${project} and unknown_status is not null
  group by unknown_status order by count(*) desc, unknown_status limit ${mostWords}`;

function add(words: Map<string, Counted>, row: WordRow): void {
  // Mapped without its decoration, it counts for every decorated one.
  const status = bareWord(row.status) ?? normaliseStatus(row.status);
  const before = words.get(status);
  const first = instantOf(row.first_seen, 0);
  const last = instantOf(row.last_seen, 0);
  const { source, incident_id, event_id, quarantine_id } = row;
  const recorded = quarantine_id === null ? Number(row.count) : 0;
  const quarantined = quarantine_id === null ? 0 : Number(row.count);
  const example = { status: row.status, source, incident_id, event_id, quarantine_id };
  const kept = before !== undefined && !isBetter(example, last, before) ? before.example : example;
  words.set(status, {
    status,
    count: (before?.count ?? 0) + recorded + quarantined,
    recorded: (before?.recorded ?? 0) + recorded,
    quarantined: (before?.quarantined ?? 0) + quarantined,
    first: before !== undefined && before.first < first ? before.first : first,
    last: before !== undefined && before.last > last ? before.last : last,
    example: kept,
  });
}

/** A recorded event goes before a quarantined payload, and what came later before what came earlier. */
const isBetter = (example: UnknownStatus["example"], last: Instant, before: Counted): boolean =>
  (example.event_id === null) === (before.example.event_id === null)
    ? last > before.last
    : example.event_id !== null;
