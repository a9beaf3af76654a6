// Which system calls to die at, and the account of the deaths. Knows neither the store nor the service.

import type { Random } from "./seed.ts";

/** To die at the nth call of this name, counted for each thread by itself; on one file, or on any. */
export interface Kill {
  readonly call: string;
  readonly file?: string;
  readonly n: number;
}

export const placeOf = ({ call, file }: Omit<Kill, "n">): string => `${call} ${file ?? "*"}`;

/**
 * So many kills over the places of a run without faults, given how often each was come by: each place as often as the
 * others, as far as there are calls, and its calls at even distances, moved by chance.
 */
export function chooseKills(options: {
  readonly places: ReadonlyMap<string, Omit<Kill, "n"> & { readonly count: number }>;
  readonly wanted: number;
  readonly random: Random;
}): readonly Kill[] {
  const places = [...options.places.values()].sort((one, other) => one.count - other.count);
  let left = options.wanted;
  return places.flatMap(({ count, ...place }, index) => {
    const wanted = Math.min(count, Math.max(1, Math.round(left / (places.length - index))));
    left -= wanted;
    return Array.from({ length: wanted }, (_, stretch) => {
      const from = Math.floor((stretch * count) / wanted);
      const to = Math.floor(((stretch + 1) * count) / wanted);
      return { ...place, n: from + 1 + options.random.below(to - from) };
    });
  });
}

export interface Died {
  readonly death: string | undefined;
  readonly acknowledged: number;
  readonly problems: readonly string[];
  readonly readyMs: number;
}

/** The account of one target's deaths. */
export class Deaths {
  readonly #target: string;
  readonly #only = process.env.FAULT_CASE;
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
