// The read model's tables in memory, and the ports of the folds over them: what Postgres does, the plain way.

import { createHash } from "node:crypto";
import { exactBytes } from "../../projections/exact-text.ts";
import { kinds } from "../../projections/incidents/rows.ts";
import type {
  Incident,
  IncidentsStore,
  MomentKey,
  OrphanRow,
  SignalRecord,
  SignalWebhook,
} from "../../projections/incidents/store.ts";
import * as tables from "../../projections/incidents/tables.ts";
import type { Stores } from "../../projections/projection.ts";
import type { Changes, Row, Table } from "../../projections/table.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { Alerts } from "../../src/domain/pairing.ts";
import { byTimelineOrder, compareTexts, isReceivedBefore } from "../../src/domain/records.ts";

/** A row's fields with whatever type the reader knows them to have. */
// biome-ignore lint/suspicious/noExplicitAny: a table in memory is untyped, as one in Postgres is.
type AnyRow = any;

export class MemoryTables {
  readonly #rows = new Map<string, Map<string, Row[]>>();

  apply(changes: Changes): void {
    for (const [table, { rows, removed }] of changes) {
      const held = this.#rows.get(table.name) ?? new Map<string, Row[]>();
      this.#rows.set(table.name, held);
      for (const key of removed) held.delete(keyOf(table, key));
      for (const row of rows) {
        const key = keyOf(table, row);
        held.set(key, table.isUnique ? [row] : [...(held.get(key) ?? []), row]);
      }
    }
  }

  of(table: Table | { readonly name: string }): AnyRow[] {
    return [...(this.#rows.get(table.name)?.values() ?? [])].flat();
  }
}

const keyOf = (table: Table, row: Row): string => table.key.map((column) => row[column]).join(" ");

export function memoryStores(held: () => MemoryTables): Stores {
  const rows = (table: Table | { readonly name: string }) => held().of(table);
  const lastUsed = async (keys: readonly string[]) =>
    new Map<string, Instant>(
      rows({ name: "key_usage" })
        .filter(({ key_id }) => keys.includes(key_id))
        .map(({ key_id, last_used_at }) => [key_id, last_used_at]),
    );
  return { incidents: incidentsInMemory(rows), keyUsage: { lastUsed }, sources: sourcesInMemory(rows) };
}

type Rows = (table: Table | { readonly name: string }) => AnyRow[];

function sourcesInMemory(rows: Rows): Stores["sources"] {
  return {
    counts: async (keys) =>
      rows({ name: "source_counts" }).filter((row) =>
        keys.some(
          ({ project_uuid, source, outcome }) =>
            row.project_uuid === project_uuid && row.source === source && row.outcome === outcome,
        ),
      ),
    quarantined: async (ids) =>
      rows({ name: "quarantined" }).filter(({ quarantine_id }) => ids.includes(quarantine_id)),
  };
}

function incidentsInMemory(rows: Rows): IncidentsStore {
  const incidentsWhere = (is: (row: AnyRow) => boolean) =>
    rows(tables.incidents)
      .filter(is)
      .map((row) => incidentOf(row, rows));
  const recordsOf = (incident: number) =>
    rows(tables.records)
      .filter((row) => row.incident === incident)
      .map((row) => recordOf(row, rows))
      .sort(byTimelineOrder);
  const largest = (numbers: readonly number[]) => numbers.reduce((most, one) => Math.max(most, one), 0);
  return {
    incidentKey,
    numbers: async () => ({
      incidents: largest(rows(tables.incidents).map(({ incident }) => incident)),
      words: largest(rows(tables.words).map(({ id }) => id)),
    }),
    words: async (texts) =>
      new Map(
        rows(tables.words)
          .filter(({ word }) => texts.includes(word))
          .map(({ id, word }) => [word, id]),
      ),
    texts: async (words) =>
      new Map(
        rows(tables.words)
          .filter(({ id }) => words.includes(id))
          .map(({ id, word }) => [id, word]),
      ),
    settings: async (projects) =>
      new Map(
        rows(tables.settings)
          .filter(({ project }) => projects.includes(project))
          .map(({ project, matching, mappings }) => [project, { matching, mappings: JSON.parse(mappings) }]),
      ),
    incidentsById: async (ids) => {
      const keys = ids.map(incidentKey);
      return incidentsWhere(({ incident_key }) => keys.includes(incident_key));
    },
    incidentsByNumber: async (numbers) => incidentsWhere(({ incident }) => numbers.includes(incident)),
    recordsAt: async (moments) =>
      rows(tables.records)
        .filter((row) => moments.some((moment) => isOf(moment, row)))
        .map((row) => ({ incident: row.incident, record: recordOf(row, rows) })),
    webhooksAt: async (moments) =>
      rows(tables.webhooks)
        .filter((row) => moments.some((moment) => isOf(moment, row)))
        .map((row) => ({ incident: row.incident, webhook: webhookOf(row, row.incident_time) })),
    webhooksOf: async (asked) =>
      rows(tables.webhooks)
        .filter((row) => asked.some((one) => isOf(one, row) && one.event_id === row.event_id))
        .map((row) => ({ incident: row.incident, webhook: webhookOf(row, row.incident_time) })),
    timeline: async (incident, after, atLeast) => {
      const later = recordsOf(incident).filter(({ effective_time }) => effective_time > (after ?? ""));
      const last = later[atLeast - 1]?.effective_time;
      return last === undefined ? later : later.filter(({ effective_time }) => effective_time <= last);
    },
    ownEnds: async (incident, after, atMost) =>
      rows(tables.outages)
        .filter((row) => row.incident === incident && isOwn(row))
        .map(({ ended_at }) => ended_at)
        .filter((at) => at > (after ?? ""))
        .sort(compareTexts)
        .slice(0, atMost),
    ownEndBefore: async (incident, before) => {
      const last = rows(tables.outages)
        .filter((row) => row.incident === incident && isOwn(row) && row.ended_at < before)
        .sort((a, b) => compareTexts(a.ended_at, b.ended_at))
        .at(-1);
      return last && { ended_at: last.ended_at, is_dismissed: last.ended_by === 3 };
    },
    bounds: async (incident, but) => {
      const left = recordsOf(incident).filter(({ first }) => !but.includes(first.event_id));
      const [first, last] = [left.at(0), left.at(-1)];
      return first && last && { first: first.effective_time, last: last.effective_time };
    },
    lastNaming: async (incident, name, but) =>
      recordsOf(incident)
        .filter(({ first, last }) => !but.includes(first.event_id) && last[name])
        .at(-1),
    statusesByWord: async (project) => [
      ...new Set(byWord(project, rows).map(({ status }: AnyRow) => status as number)),
    ],
    momentsWithStatus: async (project, statuses) =>
      byWord(project, rows)
        .filter(({ status }) => statuses.includes(status))
        .map((row) => ({ incident: row.incident, incident_time: row.incident_time ?? row.at })),
    ...orphansInMemory(rows),
  };
}

function orphansInMemory(
  rows: Rows,
): Pick<IncidentsStore, "orphansOf" | "orphansFrom" | "lastMatchBefore" | "candidates"> {
  const orphansWhere = (is: (row: AnyRow) => boolean): OrphanRow[] =>
    rows(tables.orphans)
      .filter(is)
      .map((row) => ({
        ...row,
        matched_by: row.matched_by === null ? null : row.matched_by === 1 ? "monitor_id" : "project",
        incident_id: rows(tables.incidents).find(({ incident }) => incident === row.incident).incident_id,
      }));
  return {
    orphansOf: async (incidents) => orphansWhere(({ incident }) => incidents.includes(incident)),
    orphansFrom: async (asked) =>
      orphansWhere((row) => asked.some(({ project, since }) => row.project === project && row.at >= since)),
    lastMatchBefore: async (incident, before) =>
      orphansWhere((row) => row.matched_incident === incident && row.at < before)
        .map(({ at }) => at)
        .sort(compareTexts)
        .at(-1),
    // Every one that may be chosen: that the best of them is enough is Postgres' business.
    candidates: async (project, orphans, but) =>
      orphans.map(({ at }) =>
        rows(tables.openOutages)
          .filter((row) => row.is_shown && !row.exact && row.project === project && row.first_at <= at)
          .map(({ incident }) => incident)
          .filter((incident) => !but.includes(incident)),
      ),
  };
}

const byWord = (project: number, rows: Rows): AnyRow[] => {
  const own = new Set(
    rows(tables.incidents)
      .filter((row) => row.project === project)
      .map(({ incident }) => incident),
  );
  return [...rows(tables.records), ...rows(tables.webhooks)].filter(
    (row) => row.by_word && own.has(row.incident),
  );
};

const isOwn = ({ ended_by }: AnyRow): boolean => ended_by === 0 || ended_by === 3;

const isOf = ({ incident, incident_time }: MomentKey, row: AnyRow): boolean =>
  row.incident === incident && (row.incident_time ?? row.at) === incident_time;

const webhookOf = (row: AnyRow, incident_time: Instant): SignalWebhook => ({
  ...row,
  kind: kinds[row.kind] ?? null,
  incident_time,
});

function recordOf(row: AnyRow, rows: Rows): SignalRecord {
  const incident_time: Instant = row.incident_time ?? row.at;
  const several = rows(tables.webhooks)
    .filter((one) => isOf({ incident: row.incident, incident_time }, one) && one.kind === row.kind)
    .sort((a, b) => (isReceivedBefore(a, b) ? -1 : 1));
  const first = webhookOf(row, incident_time);
  const as = (one: AnyRow) => ({ ...first, event_id: one.event_id, received_at: one.received_at });
  const starter = several.filter(({ started_at }) => started_at !== null).at(-1);
  return {
    kind: first.kind,
    incident_time,
    effective_time: row.at,
    is_echo: row.incident_time !== null,
    exact: row.exact,
    reminder: row.reminder,
    first,
    last: row.webhooks > 1 ? as(several.at(-1)) : first,
    started: row.started_at === null ? null : row.webhooks > 1 ? as(starter) : first,
    webhooks: row.webhooks,
  };
}

function incidentOf(row: AnyRow, rows: Rows): Incident {
  const part = (number: number) =>
    rows(tables.openOutages).find((one) => one.incident === row.incident && one.part === number);
  const [whole, rest] = [part(0), part(1)];
  const { alerts, recoveries, dismissals, acknowledgements, unmapped, ended } = row;
  return {
    ...row,
    counts: { alerts, recoveries, dismissals, acknowledgements, unmapped, ended },
    tail: { ender_at: row.ender_at, ended_at: row.ended_at, open: whole ? alertsOf(whole) : null },
    rest: rest ? alertsOf(rest) : null,
  };
}

const alertsOf = (row: AnyRow): Alerts => ({
  count: row.alerts,
  exact: row.exact,
  first: { at: row.first_at, event_id: row.first_event_id },
  latest: row.latest_at === null ? null : { at: row.latest_at, event_id: row.latest_event_id },
  last_at: row.last_at,
  monitor_id: row.monitor_id,
  monitor_name: row.monitor_name,
  repo_uuid: row.repo_uuid,
});

function incidentKey({ project_uuid, incident_id }: { project_uuid: string; incident_id: string }): string {
  return createHash("sha256").update(`${project_uuid}\0`).update(exactBytes(incident_id)).digest("hex");
}
