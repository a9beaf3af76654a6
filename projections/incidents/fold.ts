// From a batch of events to the rows that it changes: the rules of src/domain over what the store holds of the incidents
// that the batch touches, and of their projects' orphans. Remembers the incidents that were touched last.

import { earliestInstant, type Instant } from "../../src/domain/instant.ts";
import type { Fold, ProjectedEvent, ProjectedSignal } from "../projection.ts";
import { BatchDraft, type Touched } from "./batch-draft.ts";
import { IncidentCache, idOf } from "./incident-cache.ts";
import { matchOrphans, type ProjectDraft } from "./match-orphans.ts";
import { joinedMoment, rebuiltMoment } from "./moments.ts";
import { concerned, growthOf, orphansOfIncident } from "./orphan-changes.ts";
import { pairChanges } from "./rework.ts";
import { orphanRow, outageRow, webhookRow } from "./rows.ts";
import { ProjectSettings } from "./settings.ts";
import { newIncident, standingAfter } from "./standing.ts";
import type {
  Incident,
  IncidentName,
  IncidentsStore,
  MomentKey,
  SignalRecord,
  SignalWebhook,
} from "./store.ts";
import { Words } from "./words.ts";

export function incidentsFold(store: IncidentsStore, { cacheSize }: { readonly cacheSize: number }): Fold {
  const fold = new IncidentsFold(store, cacheSize);
  return { fold: (events) => fold.apply(events) };
}

/** A moment while its webhooks are gathered. */
interface Gathered {
  readonly incident: number;
  readonly incident_time: Instant;
  readonly arrived: SignalWebhook[];
  /** Whether the store may hold records of it. */
  readonly mayBeKnown: boolean;
  /** Whether the kinds of its webhooks may be others now. */
  isRemapped: boolean;
}

class IncidentsFold {
  readonly #store: IncidentsStore;
  readonly #words: Words;
  readonly #settings: ProjectSettings;
  readonly #cache: IncidentCache;
  /** The last numbers given; undefined before the first batch. */
  #numbers: { incidents: number; words: number } | undefined;

  constructor(store: IncidentsStore, cacheSize: number) {
    this.#store = store;
    this.#words = new Words(store);
    this.#settings = new ProjectSettings(store, this.#words);
    this.#cache = new IncidentCache(cacheSize);
  }

  async apply(events: readonly ProjectedEvent[]) {
    const draft = new BatchDraft();
    this.#numbers ??= { ...(await this.#store.numbers()) };
    this.#numbers.words = await this.#words.learn(events, draft.words, this.#numbers.words);
    const settings = await this.#settings.learn(events, draft.settings);
    const moments = await this.#gather(events, draft);
    await this.#addRemapped(settings.moments, moments, draft);
    await this.#arrange([...moments.values()], draft);
    for (const touched of draft.touched()) if (touched.changes.length > 0) await this.#pair(touched, draft);
    for (const project of settings.matching) draft.addDue(project, earliestInstant, { gone: [], made: [] });
    await this.#matchAll(draft);
    const changes = draft.changes();
    for (const { now } of draft.touched()) this.#cache.keep(now);
    return changes;
  }

  /** The batch's webhooks by moment. Every incident of theirs is in the draft then. */
  async #gather(events: readonly ProjectedEvent[], draft: BatchDraft): Promise<Map<string, Gathered>> {
    const signals = events.flatMap(({ type, data }) => (type === "IncidentSignalRecorded" ? [data] : []));
    const incidents = await this.#incidentsOf(signals, draft);
    const moments = new Map<string, Gathered>();
    for (const [place, signal] of signals.entries()) {
      const touched = incidents[place];
      if (touched === undefined) continue;
      const { incident } = touched.now;
      const webhook = this.#webhookOf(touched.now.project, signal);
      const { incident_time } = webhook;
      const key = `${incident} ${incident_time}`;
      const moment = moments.get(key);
      if (moment !== undefined) moment.arrived.push(webhook);
      else {
        const mayBeKnown = touched.stored !== null && incident_time <= touched.stored.newest;
        moments.set(key, { incident, incident_time, arrived: [webhook], mayBeKnown, isRemapped: false });
      }
      if (incident_time > touched.newest) touched.newest = incident_time;
    }
    return moments;
  }

  /** One for each signal. */
  async #incidentsOf(signals: readonly ProjectedSignal[], draft: BatchDraft): Promise<readonly Touched[]> {
    const keys: string[] = [];
    const found = new Map<string, Touched>();
    const missing = new Map<string, ProjectedSignal>();
    for (const signal of signals) {
      const key = idOf(this.#words.numberOf(signal.project_uuid), signal.incident_id);
      keys.push(key);
      if (found.has(key) || missing.has(key)) continue;
      const known = this.#cache.find(key);
      if (known === undefined) missing.set(key, signal);
      else found.set(key, draft.touch(known, known));
    }
    if (missing.size > 0) {
      for (const stored of await this.#store.incidentsById([...missing.values()])) {
        found.set(idOf(stored.project, stored.incident_id), draft.touch(stored, stored));
      }
      for (const [key, signal] of missing) {
        if (!found.has(key)) found.set(key, draft.touch(this.#newIncident(signal), null));
      }
    }
    return keys.map((key) => found.get(key) as Touched);
  }

  #newIncident(id: IncidentName): Incident {
    const incident = (this.#numbers?.incidents ?? 0) + 1;
    if (this.#numbers !== undefined) this.#numbers.incidents = incident;
    return newIncident({
      incident,
      incident_key: this.#store.incidentKey(id),
      project: this.#words.numberOf(id.project_uuid),
      incident_id: id.incident_id,
    });
  }

  #webhookOf(project: number, signal: ProjectedSignal): SignalWebhook {
    const by_word = signal.kind === undefined;
    return {
      event_id: signal.event_id,
      received_at: signal.received_at,
      kind: signal.kind === undefined ? this.#settings.kindOf(project, signal.status) : signal.kind,
      incident_time: signal.incident_time,
      exact: signal.exact,
      reminder: signal.reminder,
      started_at: signal.started_at,
      position: signal.position,
      status: this.#words.numberOf(signal.status),
      source: this.#words.numberOf(signal.source),
      by_word,
      monitor_id: this.#words.numberOrNull(signal.monitor_id),
      monitor_name: this.#words.numberOrNull(signal.monitor_name),
      repo_uuid: this.#words.numberOrNull(signal.repo_uuid),
      message: signal.message,
      local_time: signal.local_time,
      timezone: this.#words.numberOrNull(signal.timezone),
    };
  }

  async #addRemapped(
    remapped: readonly MomentKey[],
    moments: Map<string, Gathered>,
    draft: BatchDraft,
  ): Promise<void> {
    if (remapped.length === 0) return;
    await this.#load([...new Set(remapped.map(({ incident }) => incident))], draft);
    for (const { incident, incident_time } of remapped) {
      const key = `${incident} ${incident_time}`;
      const moment = moments.get(key);
      if (moment !== undefined) moment.isRemapped = true;
      else moments.set(key, { incident, incident_time, arrived: [], mayBeKnown: true, isRemapped: true });
    }
  }

  async #load(numbers: readonly number[], draft: BatchDraft): Promise<void> {
    const missing: number[] = [];
    for (const number of numbers) {
      if (draft.find(number) !== undefined) continue;
      const known = this.#cache.byNumber(number);
      if (known === undefined) missing.push(number);
      else draft.touch(known, known);
    }
    if (missing.length === 0) return;
    for (const stored of await this.#store.incidentsByNumber(missing)) draft.touch(stored, stored);
  }

  /** Rules 0 and 5: what becomes of the moments' records. */
  async #arrange(gathered: readonly Gathered[], draft: BatchDraft): Promise<void> {
    const known = await this.#knownRecords(gathered);
    const unclear: Gathered[] = [];
    for (const one of gathered) {
      const records = known.records.get(keyOf(one)) ?? [];
      const webhooks = known.webhooks.get(keyOf(one)) ?? none;
      const joined = one.isRemapped ? undefined : joinedMoment({ ...one, records }, webhooks);
      if (joined === undefined) unclear.push(one);
      else this.#take(one, joined, draft);
    }
    if (unclear.length === 0) return;
    const stored = await this.#store.webhooksAt(unclear);
    const texts = await this.#statusTexts(unclear, [
      ...stored.map(({ webhook }) => webhook.status),
      ...unclear.flatMap((one) => (known.records.get(keyOf(one)) ?? []).map(({ last }) => last.status)),
    ]);
    const byMoment = Map.groupBy(stored, ({ incident, webhook }) => keyOf({ ...webhook, incident }));
    for (const one of unclear) {
      const project = draft.find(one.incident)?.now.project ?? 0;
      const rekind = (webhook: SignalWebhook): SignalWebhook => {
        const text = texts.get(webhook.status);
        if (!one.isRemapped || !webhook.by_word || text === undefined) return webhook;
        const kind = this.#settings.kindOf(project, text);
        return kind === webhook.kind ? webhook : { ...webhook, kind };
      };
      const webhooks = (byMoment.get(keyOf(one)) ?? []).map(({ webhook }) => webhook);
      const records = known.records.get(keyOf(one)) ?? [];
      this.#take(one, rebuiltMoment({ ...one, records }, webhooks, rekind), draft);
    }
  }

  async #knownRecords(gathered: readonly Gathered[]) {
    const asked = gathered.filter(({ mayBeKnown }) => mayBeKnown);
    const records = new Map<string, SignalRecord[]>();
    const webhooks = new Map<string, Map<string, SignalWebhook>>();
    if (asked.length === 0) return { records, webhooks };
    const withSeveral = new Set<string>();
    for (const { incident, record } of await this.#store.recordsAt(asked)) {
      const key = keyOf({ incident, incident_time: record.incident_time });
      const others = records.get(key);
      if (others === undefined) records.set(key, [record]);
      else others.push(record);
      if (record.webhooks > 1) withSeveral.add(key);
    }
    const ofSeveral = asked
      .filter((one) => withSeveral.has(keyOf(one)))
      .flatMap(({ incident, incident_time, arrived }) =>
        arrived.map(({ event_id }) => ({ incident, incident_time, event_id })),
      );
    if (ofSeveral.length > 0) {
      for (const { incident, webhook } of await this.#store.webhooksOf(ofSeveral)) {
        const key = keyOf({ incident, incident_time: webhook.incident_time });
        const others = webhooks.get(key);
        if (others === undefined) webhooks.set(key, new Map([[webhook.event_id, webhook]]));
        else others.set(webhook.event_id, webhook);
      }
    }
    return { records, webhooks };
  }

  /** Arrived webhooks have the kind that their words mean now. */
  async #statusTexts(
    unclear: readonly Gathered[],
    statuses: readonly number[],
  ): Promise<ReadonlyMap<number, string>> {
    return unclear.some(({ isRemapped }) => isRemapped)
      ? this.#words.texts([...new Set(statuses)])
      : new Map();
  }

  #take(moment: Gathered, changes: ReturnType<typeof rebuiltMoment>, draft: BatchDraft): void {
    const touched = draft.find(moment.incident);
    if (touched === undefined) return;
    const { incident, incident_time } = moment;
    touched.changes.push(...changes.records);
    touched.more += changes.more;
    for (const webhook of changes.kept) draft.webhooks.put(webhookRow(incident, webhook));
    for (const event_id of changes.dropped) draft.webhooks.remove({ incident, incident_time, event_id });
  }

  /** Rules 1 to 3 for one incident. */
  async #pair(touched: Touched, draft: BatchDraft): Promise<void> {
    const { before, changes } = touched;
    const paired = await pairChanges(this.#store, before, changes);
    for (const outage of paired.ended) draft.outages.put(outageRow(before, outage));
    for (const ended_at of paired.gone) draft.outages.remove({ incident: before.incident, ended_at });
    const now = await standingAfter(this.#store, before, touched, paired);
    const { incident, since } = concerned(before, now, paired);
    touched.now = incident;
    touched.growth = growthOf(before, paired);
    const orphans = await orphansOfIncident(this.#store, before, incident, changes);
    for (const orphan of orphans.gone) draft.removeOrphan(orphan);
    draft.addDue(incident.project, since, orphans);
  }

  /** Rule 4 for each project that the batch concerns. */
  async #matchAll(draft: BatchDraft): Promise<void> {
    if (draft.due.size === 0) return;
    const asked = [...draft.due].map(([project, { since }]) => ({ project, since }));
    const stored = Map.groupBy(await this.#store.orphansFrom(asked), ({ project }) => project);
    for (const [project, due] of draft.due) {
      const known = stored.get(project) ?? [];
      if (known.length + due.made.length + due.gone.length === 0) continue;
      await matchOrphans(this.#store, this.#projectDraft(project, draft), known, due);
    }
  }

  #projectDraft(project: number, draft: BatchDraft): ProjectDraft {
    return {
      project,
      matching: this.#settings.of(project).matching,
      incident: (number) => draft.find(number)?.now,
      incidents: () => draft.ofProject(project).map(({ now }) => now),
      growth: (number) => draft.find(number)?.growth,
      load: (numbers) => this.#load(numbers, draft),
      update: (incident, growth) => {
        const touched = draft.find(incident.incident);
        if (touched === undefined) return;
        touched.now = incident;
        touched.growth = growth;
      },
      changes: (incident) => draft.find(incident)?.changes ?? [],
      putOutage: (incident, outage) => draft.outages.put(outageRow(incident, outage)),
      // Where an own record ends an outage at the same moment now, its row replaces the other.
      removeOutage: (incident, ended_at) => draft.outages.removeUnlessPut({ incident, ended_at }),
      putOrphan: (orphan) => draft.orphans.put(orphanRow(orphan)),
    };
  }
}

const none: ReadonlyMap<string, SignalWebhook> = new Map();

const keyOf = ({ incident, incident_time }: MomentKey): string => `${incident} ${incident_time}`;
