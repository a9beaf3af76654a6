// What one batch changes, while it is being worked out.

import type { Instant } from "../../src/domain/instant.ts";
import type { Changes, Row, Table, TableChanges } from "../table.ts";
import { TableDraft } from "../table-draft.ts";
import type { Growth, OrphanChanges } from "./match-orphans.ts";
import type { RecordChange } from "./moments.ts";
import { incidentRow, openRows, recordKey, recordRow } from "./rows.ts";
import type { Incident, OrphanRow } from "./store.ts";
import * as tables from "./tables.ts";

export interface Touched {
  /** As the store has it; null where it is new. */
  readonly stored: Incident | null;
  /** Before its records changed: new incidents begin empty. */
  readonly before: Incident;
  now: Incident;
  /** The latest incident_time, and how many different webhooks more there are. */
  newest: Instant;
  more: number;
  /** Of the shown outage; undefined where its records have to be looked at. */
  growth: Growth | undefined;
  readonly changes: RecordChange[];
}

export class BatchDraft {
  readonly words = new TableDraft(tables.words);
  readonly settings = new TableDraft(tables.settings);
  readonly webhooks = new TableDraft(tables.webhooks);
  readonly outages = new TableDraft(tables.outages);
  readonly orphans = new TableDraft(tables.orphans);
  readonly #incidents = new Map<number, Touched>();
  readonly #ofProject = new Map<number, Touched[]>();
  readonly #due = new Map<number, OrphanChanges>();

  touch(incident: Incident, stored: Incident | null): Touched {
    const known = this.#incidents.get(incident.incident);
    if (known !== undefined) return known;
    const touched: Touched = {
      stored,
      before: incident,
      now: incident,
      newest: incident.newest,
      more: 0,
      growth: undefined,
      changes: [],
    };
    this.#incidents.set(incident.incident, touched);
    const others = this.#ofProject.get(incident.project);
    if (others === undefined) this.#ofProject.set(incident.project, [touched]);
    else others.push(touched);
    return touched;
  }

  find(incident: number): Touched | undefined {
    return this.#incidents.get(incident);
  }

  touched(): Iterable<Touched> {
    return this.#incidents.values();
  }

  ofProject(project: number): readonly Touched[] {
    return this.#ofProject.get(project) ?? [];
  }

  /** That a project's orphans are to be matched again from some moment on. */
  addDue(project: number, since: Instant | null, of: Omit<OrphanChanges, "since">): void {
    const known = this.#due.get(project);
    const times = [
      known?.since,
      since ?? undefined,
      ...of.made.map(({ at }) => at),
      ...of.gone.map(({ at }) => at),
    ];
    const earliest = times.reduce(
      (a, b) => (a === undefined || (b !== undefined && b < a) ? b : a),
      undefined,
    );
    if (earliest === undefined) return;
    this.#due.set(project, {
      since: earliest,
      gone: [...(known?.gone ?? []), ...of.gone],
      made: [...(known?.made ?? []), ...of.made],
    });
  }

  get due(): ReadonlyMap<number, OrphanChanges> {
    return this.#due;
  }

  removeOrphan({ incident, at }: OrphanRow): void {
    this.orphans.remove({ incident, at });
  }

  changes(): Changes {
    const incidents: Row[] = [];
    const records: { rows: Row[]; removed: Row[] } = { rows: [], removed: [] };
    const open: { rows: Row[]; removed: Row[] } = { rows: [], removed: [] };
    for (const { stored, now, changes } of this.#incidents.values()) {
      if (now !== stored) incidents.push(incidentRow(now));
      for (const { before, after } of changes) {
        if (before !== null) records.removed.push(recordKey(now.incident, before));
        if (after !== null) records.rows.push(recordRow(now.incident, after));
      }
      addOpen(stored, now, open);
    }
    return new Map<Table, TableChanges>([
      [tables.words, this.words],
      [tables.settings, this.settings],
      [tables.incidents, { rows: incidents, removed: [] }],
      [tables.records, records],
      [tables.webhooks, this.webhooks],
      [tables.outages, this.outages],
      [tables.openOutages, open],
      [tables.orphans, this.orphans],
    ]);
  }
}

function addOpen(stored: Incident | null, now: Incident, to: { rows: Row[]; removed: Row[] }): void {
  if (
    stored !== null &&
    stored.tail.open === now.tail.open &&
    stored.rest === now.rest &&
    stored.matched_until === now.matched_until
  )
    return;
  const before = stored === null ? [] : openRows(stored);
  for (const [part, row] of openRows(now).entries()) {
    if (row !== null) to.rows.push(row);
    else if (before[part]) to.removed.push({ incident: now.incident, part });
  }
}
