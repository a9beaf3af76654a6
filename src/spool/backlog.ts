// What waits on the spool, in memory: where each record lies and which streams are held, project by project, so that one
// project's backlog delays no other's. Knows no files and no event store.

import { projectOfStream } from "../domain/stored-events.ts";

/** A record that waits. `sequence` and `at` (epoch milliseconds) as in Spooled; where it lies in its segment, in bytes. */
export interface Place {
  readonly project: string;
  readonly sequence: number;
  readonly at: number;
  readonly offset: number;
  readonly length: number;
}

export interface Limits {
  readonly records: number;
  readonly bytes: number;
}

/** Streams remembered one by one; beyond, the project that holds most of them is held as a whole until it has drained. */
const mostStreams = 200_000;
/** Numbers that stand for one record in a queue: sequence, at, offset, length. */
const stride = 4;

interface ProjectBacklog {
  /** `stride` numbers a record, those before `head` handed out. Few objects, for millions of records. */
  queue: number[];
  head: number;
  /** Handed out and not done: `at` by sequence, the oldest first. */
  readonly out: Map<number, number>;
  /** How often each stream is held; undefined once there were too many. */
  streams: Map<string, number> | undefined;
  holds: number;
  /** Holds that nobody will release. */
  lost: number;
}

export class Backlog {
  readonly #most: number;
  readonly #projects = new Map<string, ProjectBacklog>();
  #waiting = 0;
  #streams = 0;
  #turn = 0;

  constructor(most = mostStreams) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** From now on the stream is held, once more than before. */
  hold(stream: string): void {
    const project = this.#backlogOf(projectOfStream(stream));
    project.holds += 1;
    if (project.streams === undefined) return;
    const before = project.streams.get(stream) ?? 0;
    project.streams.set(stream, before + 1);
    if (before > 0) return;
    this.#streams += 1;
    if (this.#streams > this.#most) this.#holdWhole();
  }

  /** Ends one hold of the stream. */
  release(stream: string): void {
    const name = projectOfStream(stream);
    const project = this.#backlogOf(name);
    project.holds -= 1;
    const left = (project.streams?.get(stream) ?? 0) - 1;
    if (left > 0) project.streams?.set(stream, left);
    else if (project.streams?.delete(stream) === true) this.#streams -= 1;
    this.#forgetIfEmpty(name, project);
  }

  /** Whether the stream is held; of a project with too many held streams, all are. */
  holds(stream: string): boolean {
    const project = this.#projects.get(projectOfStream(stream));
    return project !== undefined && (project.streams?.has(stream) ?? project.holds > 0);
  }

  /** A record has come; sequences rise. */
  add({ project, sequence, at, offset, length }: Place): void {
    this.#backlogOf(project).queue.push(sequence, at, offset, length);
    this.#waiting += 1;
  }

  /** The next records, each project's oldest first, as many of one project as of another. Each is handed out once. */
  take(limits: Limits): readonly Place[] {
    this.#turn += 1;
    const waiting = [...this.#projects].filter(([, { queue, head }]) => head < queue.length);
    return takeFairly(waiting, limits, this.#turn);
  }

  /** What was taken and could not be read is to be taken again. */
  putBack(places: readonly Place[]): void {
    for (const [name, some] of Map.groupBy(places, ({ project }) => project)) {
      const project = this.#backlogOf(name);
      for (const { sequence } of some) project.out.delete(sequence);
      const again = some.flatMap(({ sequence, at, offset, length }) => [sequence, at, offset, length]);
      project.queue = [...again, ...project.queue.slice(project.head)];
      project.head = 0;
    }
  }

  /** A record that was taken waits no more. */
  done({ project, sequence }: Pick<Place, "project" | "sequence">): void {
    this.#leave(project, sequence, 0);
  }

  /** The same of one that cannot be read. Which stream it held is not known: it is held until its project has drained. */
  lost({ project, sequence }: Place): void {
    this.#leave(project, sequence, 1);
  }

  /** When the oldest record that waits was spooled. */
  oldestAt(): number | undefined {
    let oldest: readonly [number, number] | undefined;
    for (const project of this.#projects.values()) {
      const found = oldestOf(project);
      if (found !== undefined && (oldest === undefined || found[0] < oldest[0])) oldest = found;
    }
    return oldest?.[1];
  }

  /** Each project's oldest record that waits. */
  oldest(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [name, project] of this.#projects) {
      const [sequence] = oldestOf(project) ?? [];
      if (sequence !== undefined) found.set(name, sequence);
    }
    return found;
  }

  /** The sequence of the project's oldest record that waits; undefined where none does. */
  oldestIn(name: string): number | undefined {
    const project = this.#projects.get(name);
    return project && oldestOf(project)?.[0];
  }

  #backlogOf(project: string): ProjectBacklog {
    const known = this.#projects.get(project);
    if (known !== undefined) return known;
    const made = { queue: [], head: 0, out: new Map(), streams: new Map(), holds: 0, lost: 0 };
    this.#projects.set(project, made);
    return made;
  }

  #leave(name: string, sequence: number, lost: 0 | 1): void {
    const project = this.#projects.get(name);
    if (project?.out.delete(sequence) !== true) return;
    this.#waiting -= 1;
    project.lost += lost;
    this.#forgetIfEmpty(name, project);
  }

  #forgetIfEmpty(name: string, project: ProjectBacklog): void {
    const isEmpty = project.out.size === 0 && project.head === project.queue.length;
    if (!isEmpty || project.holds > project.lost) return;
    this.#streams -= project.streams?.size ?? 0;
    this.#projects.delete(name);
  }

  #holdWhole(): void {
    let greatest: ProjectBacklog | undefined;
    for (const project of this.#projects.values())
      if ((project.streams?.size ?? 0) > (greatest?.streams?.size ?? 0)) greatest = project;
    this.#streams -= greatest?.streams?.size ?? 0;
    if (greatest !== undefined) greatest.streams = undefined;
  }
}

/** Sequence and `at`. */
function oldestOf({ queue, head, out }: ProjectBacklog): readonly [number, number] | undefined {
  for (const oldest of out) return oldest;
  return head < queue.length ? [queue[head] ?? 0, queue[head + 1] ?? 0] : undefined;
}

/** As many of each project as of the others, until the limits are reached; one record at least. */
function takeFairly(
  projects: readonly (readonly [string, ProjectBacklog])[],
  limits: Limits,
  turn: number,
): readonly Place[] {
  const places: Place[] = [];
  let bytes = 0;
  const isFull = (): boolean =>
    places.length > 0 && (places.length >= limits.records || bytes >= limits.bytes);
  let open = projects.map((_, index) => projects[(index + turn) % projects.length]);
  while (open.length > 0 && !isFull()) {
    const share = Math.max(1, Math.floor((limits.records - places.length) / open.length));
    for (const one of open) {
      if (one === undefined) continue;
      const [name, project] = one;
      for (let count = 0; count < share && project.head < project.queue.length && !isFull(); count++) {
        const place = takeOne(name, project);
        places.push(place);
        bytes += place.length;
      }
    }
    open = open.filter((one) => one !== undefined && one[1].head < one[1].queue.length);
  }
  return places;
}

function takeOne(name: string, project: ProjectBacklog): Place {
  const { queue, head } = project;
  const [sequence = 0, at = 0, offset = 0, length = 0] = queue.slice(head, head + stride);
  project.head += stride;
  project.out.set(sequence, at);
  // What was handed out is dropped once it is most of the queue.
  if (project.head > 4_096 && project.head * 2 > queue.length) {
    project.queue = queue.slice(project.head);
    project.head = 0;
  }
  return { project: name, sequence, at, offset, length };
}
