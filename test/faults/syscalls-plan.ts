// Which system calls to die at, and the account of the deaths. Knows neither the store nor the service.

import { join, relative } from "node:path";
import { onlyCase } from "../gate/run-settings.ts";
import type { Random } from "./seed.ts";
import { type Call, fileOf, lastCallOf, readTrace } from "./strace.ts";

/** To die at the nth call of this name, counted for each thread by itself; on one file, or on any. */
export interface Kill {
  readonly call: string;
  /** As seen from the data directory; "." is that itself. */
  readonly file?: string | undefined;
  readonly n: number;
  /** What happens there instead of the death: `error=EIO`. */
  readonly instead?: string;
}

export interface Place extends Omit<Kill, "n"> {
  /** How often a run without faults comes by, in the thread that does so most. */
  readonly count: number;
}

/** The name of a place for people. A spool's segments are many, but all alike. */
export const nameOf = ({ call, file }: Omit<Kill, "n">): string =>
  `${call} ${(file ?? "*").replace(/\d{20}/, "N")}`;

/** By name: which calls were made on which files of the directory. */
export function placesIn(trace: string, directory: string): ReadonlyMap<string, Place> {
  const threads = new Map<string, Map<number, number>>();
  const places = new Map<string, Place>();
  for (const call of readTrace(trace)) {
    const place = placeOf(call, directory);
    if (place === undefined) continue;
    const key = `${place.call} ${place.file}`;
    const counts = threads.get(key) ?? new Map<number, number>();
    threads.set(key, counts.set(call.thread, (counts.get(call.thread) ?? 0) + 1));
    places.set(key, { ...place, count: Math.max(...counts.values()) });
  }
  return places;
}

/** The same for calls on whatever file, where the files' names are not known beforehand. */
export function placesOfCalls(trace: string, names: readonly string[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const name of names) {
    const threads = new Map<number, number>();
    for (const call of readTrace(trace))
      if (call.name === name) threads.set(call.thread, (threads.get(call.thread) ?? 0) + 1);
    if (threads.size > 0) places.set(name, { call: name, count: Math.max(...threads.values()) });
  }
  return places;
}

/** Where it died, by name; undefined where it did not die in a call. */
export function deathIn(trace: string, directory: string): string | undefined {
  const last = lastCallOf(trace);
  if (last === undefined) return undefined;
  return nameOf(placeOf(last, directory) ?? { call: last.name });
}

function placeOf(call: Call, directory: string): Omit<Kill, "n"> | undefined {
  const file = fileOf(call);
  if (file === undefined || !`${file}/`.startsWith(`${directory}/`)) return undefined;
  return { call: call.name, file: relative(directory, file) || "." };
}

/** What startTraced takes to make a kill come true. */
export function injectionOf(kill: Kill | undefined, directory: string) {
  if (kill === undefined) return {};
  return {
    inject: [{ calls: kill.call, what: kill.instead ?? "signal=KILL", when: String(kill.n) }],
    ...(kill.file === undefined ? {} : { paths: [join(directory, kill.file)] }),
  };
}

/**
 * So many kills over the places of a run without faults: each place as often as the others, as far as there are calls,
 * and its calls at even distances, moved by chance. Where that makes too few, they come again: nothing else in a run
 * has the same order twice.
 */
export function chooseKills(options: {
  readonly places: ReadonlyMap<string, Place>;
  readonly wanted: number;
  readonly random: Random;
}): readonly Kill[] {
  const places = [...options.places.values()].sort((one, other) => one.count - other.count);
  let left = options.wanted;
  const chosen = places.flatMap(({ count, ...place }, index) => {
    const wanted = Math.min(count, Math.max(1, Math.round(left / (places.length - index))));
    left -= wanted;
    return Array.from({ length: wanted }, (_, stretch) => {
      const from = Math.floor((stretch * count) / wanted);
      const to = Math.floor(((stretch + 1) * count) / wanted);
      return { ...place, n: from + 1 + options.random.below(to - from) };
    });
  });
  const again = Array.from({ length: Math.max(0, left) }, () => options.random.pick(chosen));
  return [...chosen, ...again];
}

/** The places that nothing died in. */
export const missedPlaces = (
  places: ReadonlyMap<string, Place>,
  deaths: readonly string[],
): readonly Place[] =>
  [...places.values()].filter((place) =>
    place.file === undefined
      ? !deaths.some((death) => death.startsWith(`${place.call} `))
      : !deaths.includes(nameOf(place)),
  );

export interface Died {
  readonly death: string | undefined;
  readonly acknowledged: number;
  readonly problems: readonly string[];
  readonly readyMs: number;
}

/** The account of one target's deaths. */
export class Deaths {
  readonly #target: string;
  readonly #only = onlyCase();
  readonly #byPlace = new Map<string, number>();
  readonly #problems: string[] = [];
  readonly #readyMs: number[] = [];
  #case = "";
  #rounds = 0;
  #deaths = 0;
  #acknowledged = 0;

  constructor(target: string) {
    this.#target = target;
  }

  /** Whether every case runs, not only one that is replayed. */
  isWhole(): boolean {
    return this.#only === undefined;
  }

  /** Whether any case of the scene runs. */
  concerns(scene: string): boolean {
    return this.#only === undefined || this.#only.startsWith(`${this.#target}:${scene}:`);
  }

  /** Of the kills chosen for a scene those that this run is to make. */
  *wanted(scene: string, chosen: readonly Kill[]): Generator<Kill> {
    for (const kill of this.#replayed(scene) ?? chosen) {
      this.#case = [this.#target, scene, kill.call, kill.file ?? "*", kill.n].join(":");
      yield kill;
    }
  }

  #replayed(scene: string): readonly Kill[] | undefined {
    if (this.#only === undefined) return undefined;
    const [target, itsScene, call = "", file = "*", n = "1"] = this.#only.split(":");
    if (target !== this.#target || itsScene !== scene) return [];
    return [{ call, ...(file === "*" ? {} : { file }), n: Number(n) }];
  }

  add(died: Died): void {
    this.#rounds++;
    if (died.death !== undefined) {
      this.#deaths++;
      this.#byPlace.set(died.death, (this.#byPlace.get(died.death) ?? 0) + 1);
    }
    this.#acknowledged += died.acknowledged;
    this.#readyMs.push(died.readyMs);
    for (const problem of died.problems) {
      this.#problems.push(`FAULT_CASE=${this.#case}: ${problem}`);
      console.log(`  FAULT_CASE=${this.#case}: ${problem}`);
    }
  }

  count = (): number => this.#deaths;
  acknowledged = (): number => this.#acknowledged;
  places = (): readonly string[] => [...this.#byPlace.keys()];
  problems = (): readonly string[] => this.#problems;

  print(): void {
    const slowest = Math.max(0, ...this.#readyMs);
    console.log(
      `  ${this.#target}: ${this.#deaths} deaths in ${this.#rounds} rounds, ${this.#acknowledged} acknowledgements, ${this.#problems.length} problems; ready again within ${slowest.toFixed(0)} ms`,
    );
    for (const [place, count] of [...this.#byPlace].sort(([, a], [, b]) => b - a))
      console.log(`    ${String(count).padStart(4)} in ${place}`);
  }
}
