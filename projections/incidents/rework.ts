// Brings an incident's tail and ended outages up to date with changed records: what comes behind all others advances the
// tail; anything else has the outages between two boundaries worked out again from their records.

import type { Instant } from "../../src/domain/instant.ts";
import { advance, type EndedOutage, mayAdvance, type Tail } from "../../src/domain/pairing.ts";
import { byTimelineOrder, compareTexts, isPairedAlike } from "../../src/domain/records.ts";
import type { RecordChange } from "./moments.ts";
import type { Incident, IncidentsStore, SignalRecord } from "./store.ts";

export interface PairedChanges {
  readonly tail: Tail;
  readonly is_dismissed: boolean;
  /** Outages that own records end now, made or made anew. */
  readonly ended: readonly EndedOutage[];
  /** Ends of outages that there were. */
  readonly gone: readonly Instant[];
  /** How many more there are than before. */
  readonly more: number;
  /** The ALERTs that have only been added to the open outage; null where it was worked out again. */
  readonly joined: readonly SignalRecord[] | null;
  /** Whether the outage that was open has ended. */
  readonly hasEnded: boolean;
}

type Finder = Pick<IncidentsStore, "timeline" | "ownEnds" | "ownEndBefore">;

/** Most windows are short; one that is not is read in ever larger pages. */
const firstPage = 100;
const largestPage = 5_000;

/** Where the incident's tail stands, by its own records. */
type Standing = Pick<Incident, "tail" | "is_dismissed">;

export async function pairChanges(
  store: Finder,
  incident: Incident,
  changes: readonly RecordChange[],
): Promise<PairedChanges> {
  const appended = appendAll(incident, changes);
  if (appended !== undefined) return appended;
  const ended: EndedOutage[] = [];
  const gone: Instant[] = [];
  let more = 0;
  const due = dueTimes(changes);
  for (let next = due[0]; next !== undefined; ) {
    const window = await reworkWindow(store, incident.incident, { from: next, due: new Set(due), changes });
    ended.push(...window.ended);
    gone.push(...window.gone);
    more += window.more;
    const { upTo } = window;
    if (upTo === null) return { ...window.standing, ended, gone, more, joined: null, hasEnded: true };
    next = due.find((at) => at > upTo);
    const pending = changes.filter(({ before, after }) =>
      [before, after].some((record) => record !== null && record.effective_time > upTo),
    );
    const rest = appendAll(incident, pending);
    if (rest !== undefined)
      return { ...rest, ended: [...ended, ...rest.ended], gone, more: more + rest.more };
  }
  return {
    tail: incident.tail,
    is_dismissed: incident.is_dismissed,
    ended,
    gone,
    more,
    joined: [],
    hasEnded: false,
  };
}

/** Undefined where a record is not behind all that matters to it. */
function appendAll(standing: Standing, changes: readonly RecordChange[]): PairedChanges | undefined {
  let { tail, is_dismissed } = standing;
  let joined: SignalRecord[] = [];
  const ended: EndedOutage[] = [];
  const records: SignalRecord[] = [];
  for (const { before, after } of changes) {
    if (before !== null && after !== null && isPairedAlike(before, after)) continue;
    if (before !== null && matters(before)) return undefined;
    if (after !== null && matters(after)) records.push(after);
  }
  if (records.length > 1) records.sort(byTimelineOrder);
  for (const record of records) {
    if (!mayAdvance(tail, record)) return undefined;
    const step = advance(tail, record);
    tail = step.tail;
    if (record.kind === "ALERT") joined.push(record);
    if (step.ended === null) continue;
    joined = [];
    is_dismissed = step.ended.recovery === null;
    ended.push(step.ended);
  }
  return { tail, is_dismissed, ended, gone: [], more: ended.length, joined, hasEnded: ended.length > 0 };
}

const matters = ({ kind }: SignalRecord): boolean =>
  kind === "ALERT" || kind === "RECOVERY" || kind === "DISMISSAL";

/** Effective times of what changed, in order, before and after. */
function dueTimes(changes: readonly RecordChange[]): Instant[] {
  const times = new Set<Instant>();
  for (const { before, after } of changes) {
    if (before !== null && after !== null && isPairedAlike(before, after)) continue;
    for (const record of [before, after]) {
      if (record !== null && matters(record)) times.add(record.effective_time);
    }
  }
  return [...times].sort(compareTexts);
}

interface Window {
  readonly ended: readonly EndedOutage[];
  readonly gone: readonly Instant[];
  readonly more: number;
  /** The boundary that was there before and still is; null where the window reaches the incident's end. */
  readonly upTo: Instant | null;
  readonly standing: Standing;
}

/** From the boundary before `from` to the first one behind it that no change touches, or to the end. */
async function reworkWindow(
  store: Finder,
  incident: number,
  change: {
    readonly from: Instant;
    readonly due: ReadonlySet<Instant>;
    readonly changes: readonly RecordChange[];
  },
): Promise<Window> {
  const boundary = await store.ownEndBefore(incident, change.from);
  const after = boundary?.ended_at ?? null;
  const stored = new StoredEnds(store, incident, after);
  const ended: EndedOutage[] = [];
  let tail: Tail = { ender_at: after, ended_at: after, open: null };
  let is_dismissed = boundary?.is_dismissed ?? false;
  let upTo: Instant | null = null;
  for await (const record of timelineNow(store, incident, after, change.changes)) {
    const step = advance(tail, record);
    tail = step.tail;
    if (step.ended === null) continue;
    ended.push(step.ended);
    is_dismissed = step.ended.recovery === null;
    const { ended_at } = step.ended;
    if (ended_at <= change.from || change.due.has(ended_at)) continue;
    if (!(await stored.has(ended_at))) continue;
    upTo = ended_at;
    break;
  }
  const now = new Set(ended.map(({ ended_at }) => ended_at));
  const before = await stored.upTo(upTo);
  const gone = before.filter((at) => !now.has(at));
  return { ended, gone, more: ended.length - before.length, upTo, standing: { tail, is_dismissed } };
}

/** When outages of the incident end that own records end, after a moment; read as far as somebody looks. */
class StoredEnds {
  readonly #store: Finder;
  readonly #incident: number;
  readonly #ends = new Set<Instant>();
  #last: Instant | null;
  #isWhole = false;
  #page = firstPage;

  constructor(store: Finder, incident: number, after: Instant | null) {
    this.#store = store;
    this.#incident = incident;
    this.#last = after;
  }

  async has(at: Instant): Promise<boolean> {
    await this.#readUpTo(at);
    return this.#ends.has(at);
  }

  /** null: all of them. */
  async upTo(at: Instant | null): Promise<readonly Instant[]> {
    await this.#readUpTo(at);
    return [...this.#ends].filter((end) => at === null || end <= at);
  }

  async #readUpTo(at: Instant | null): Promise<void> {
    while (!this.#isWhole && (at === null || this.#last === null || this.#last < at)) {
      const page = await this.#store.ownEnds(this.#incident, this.#last, this.#page);
      for (const end of page) this.#ends.add(end);
      this.#last = page.at(-1) ?? this.#last;
      this.#isWhole = page.length < this.#page;
      this.#page = Math.min(largestPage, this.#page * 4);
    }
  }
}

/** The incident's records after a moment as they are once the changes are made, in timeline order. */
export async function* timelineNow(
  store: Pick<IncidentsStore, "timeline">,
  incident: number,
  after: Instant | null,
  changes: readonly RecordChange[],
): AsyncGenerator<SignalRecord, void, undefined> {
  const changed = new Set(changes.flatMap(({ before }) => (before === null ? [] : [keyOf(before)])));
  const added = changes
    .flatMap(({ after: record }) => (record === null ? [] : [record]))
    .filter(({ effective_time }) => after === null || effective_time > after)
    .sort(byTimelineOrder);
  let place = 0;
  let since = after;
  for (let atLeast = firstPage; ; atLeast = Math.min(largestPage, atLeast * 4)) {
    const page = await store.timeline(incident, since, atLeast);
    for (const record of page) {
      if (changed.has(keyOf(record))) continue;
      for (
        let next = added[place];
        next !== undefined && byTimelineOrder(next, record) < 0;
        next = added[++place]
      ) {
        yield next;
      }
      yield record;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < atLeast) break;
    since = last.effective_time;
  }
  for (let next = added[place]; next !== undefined; next = added[++place]) yield next;
}

const keyOf = (record: SignalRecord): string => `${record.kind} ${record.incident_time}`;
