// What a project has set that pairing depends on: which kinds its words mean, and how far orphans are matched.

import type { Kind } from "../../src/domain/signal.ts";
import { kindOf } from "../../src/domain/status.ts";
import type { ProjectedEvent } from "../projection.ts";
import type { TableDraft } from "../table-draft.ts";
import type { IncidentsStore, MomentKey, Settings } from "./store.ts";
import type { Words } from "./words.ts";

const defaults: Settings = { matching: "project", mappings: {} };
const mostRemembered = 10_000;

export interface ChangedSettings {
  /** Projects whose orphans are to be matched anew. */
  readonly matching: ReadonlySet<number>;
  /** Moments of webhooks whose kind may be another one now. */
  readonly moments: readonly MomentKey[];
}

interface Known {
  readonly settings: Settings;
  /** Status as it came -> kind. */
  readonly kinds: Map<string, Kind>;
}

export class ProjectSettings {
  readonly #store: IncidentsStore;
  readonly #words: Words;
  readonly #known = new Map<number, Known>();

  constructor(store: IncidentsStore, words: Words) {
    this.#store = store;
    this.#words = words;
  }

  /** Takes the events' settings over; from then on those of all their projects are known. */
  async learn(events: readonly ProjectedEvent[], draft: TableDraft): Promise<ChangedSettings> {
    await this.#load(events);
    const before = new Map<number, Settings>();
    for (const { type, data } of events) {
      if (type !== "StatusesMapped" && type !== "ProjectChanged") continue;
      const project = this.#words.numberOf(data.project_uuid);
      const settings = this.of(project);
      const now: Settings =
        type === "StatusesMapped"
          ? { ...settings, mappings: data.mappings }
          : { ...settings, matching: data.matching ?? settings.matching };
      if (!before.has(project)) before.set(project, settings);
      this.#known.set(project, { settings: now, kinds: new Map() });
      draft.put({ project, matching: now.matching, mappings: JSON.stringify(now.mappings) });
    }
    const matching = new Set<number>();
    const moments: MomentKey[] = [];
    for (const [project, settings] of before) {
      if (settings.matching !== this.of(project).matching) matching.add(project);
      moments.push(...(await this.#remapped(project, settings)));
    }
    return { matching, moments };
  }

  of(project: number): Settings {
    return this.#known.get(project)?.settings ?? defaults;
  }

  kindOf(project: number, status: string): Kind {
    const known = this.#known.get(project);
    if (known === undefined) return kindOf(status, {});
    let kind = known.kinds.get(status);
    if (kind === undefined) {
      kind = kindOf(status, known.settings.mappings);
      if (known.kinds.size < mostRemembered) known.kinds.set(status, kind);
    }
    return kind;
  }

  async #load(events: readonly ProjectedEvent[]): Promise<void> {
    if (this.#known.size > mostRemembered) this.#known.clear();
    const missing = new Set<number>();
    for (const { data } of events) {
      const project = this.#words.numberOf(data.project_uuid);
      if (!this.#known.has(project)) missing.add(project);
    }
    if (missing.size === 0) return;
    const found = await this.#store.settings([...missing]);
    for (const project of missing)
      this.#known.set(project, { settings: found.get(project) ?? defaults, kinds: new Map() });
  }

  async #remapped(project: number, before: Settings): Promise<readonly MomentKey[]> {
    const now = this.of(project);
    if (JSON.stringify(before.mappings) === JSON.stringify(now.mappings)) return [];
    const statuses = await this.#store.statusesByWord(project);
    const texts = await this.#words.texts(statuses);
    const changed = statuses.filter((status) => {
      const text = texts.get(status) ?? "";
      return kindOf(text, before.mappings) !== kindOf(text, now.mappings);
    });
    return changed.length === 0 ? [] : this.#store.momentsWithStatus(project, changed);
  }
}
