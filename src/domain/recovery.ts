// Recovery statistics over durations in seconds. Pure; Postgres computes the same for large sets, and is held to this.

export const grades = ["elite", "high", "medium", "low"] as const;
export type Grade = (typeof grades)[number];

const hour = 3_600;
const day = 24 * hour;
const week = 7 * day;

/** DORA's bands for the time to recover, by the mean; null without data. */
export function gradeOf(meanSeconds: number | null): Grade | null {
  if (meanSeconds === null) return null;
  if (meanSeconds < hour) return "elite";
  if (meanSeconds < day) return "high";
  return meanSeconds < week ? "medium" : "low";
}

/** Without durations every figure is null, never 0. */
export function recoveryFigures(durations: readonly number[]) {
  const sorted = [...durations].sort((a, b) => a - b);
  const mean = sorted.length === 0 ? null : sorted.reduce((sum, one) => sum + one, 0) / sorted.length;
  return {
    n: sorted.length,
    mean_seconds: mean,
    median_seconds: percentile(sorted, 0.5),
    p90_seconds: percentile(sorted, 0.9),
    p95_seconds: percentile(sorted, 0.95),
    min_seconds: sorted.at(0) ?? null,
    max_seconds: sorted.at(-1) ?? null,
    grade: gradeOf(mean),
  };
}

/** Linear interpolation between the two nearest ranks, as SQL's percentile_cont has it. `sorted` rises. */
function percentile(sorted: readonly number[], q: number): number | null {
  const rank = (sorted.length - 1) * q;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  if (below === undefined || above === undefined) return null;
  return below + (above - below) * (rank - Math.floor(rank));
}
