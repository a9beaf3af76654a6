// Recovery statistics: known figures, nothing without data, and what holds for any durations.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { gradeOf, recoveryFigures } from "../../src/domain/recovery.ts";

test("without durations every figure is null, never 0", () => {
  expect(recoveryFigures([])).toEqual({
    n: 0,
    mean_seconds: null,
    median_seconds: null,
    p90_seconds: null,
    p95_seconds: null,
    min_seconds: null,
    max_seconds: null,
    grade: null,
  });
});

test("one duration is all of its figures", () => {
  expect(recoveryFigures([90])).toEqual({
    n: 1,
    mean_seconds: 90,
    median_seconds: 90,
    p90_seconds: 90,
    p95_seconds: 90,
    min_seconds: 90,
    max_seconds: 90,
    grade: "elite",
  });
});

test("percentiles are interpolated as percentile_cont has them; order does not matter and nothing is sorted in place", () => {
  const durations = [40, 10, 30, 20];
  const figures = recoveryFigures(durations);
  expect(figures).toMatchObject({
    n: 4,
    mean_seconds: 25,
    median_seconds: 25,
    min_seconds: 10,
    max_seconds: 40,
  });
  expect(figures.p90_seconds).toBeCloseTo(37, 9);
  expect(figures.p95_seconds).toBeCloseTo(38.5, 9);
  expect(durations).toEqual([40, 10, 30, 20]);
  expect(recoveryFigures([9, 100, 1_000]).median_seconds).toBe(100);
});

describe("the grade", () => {
  const bands = [
    [0, "elite"],
    [3_599.999, "elite"],
    [3_600, "high"],
    [86_399.999, "high"],
    [86_400, "medium"],
    [604_799.999, "medium"],
    [604_800, "low"],
    [null, null],
  ] as const;
  for (const [mean, grade] of bands)
    test(`of a mean of ${mean} s is ${grade}`, () => expect(gradeOf(mean)).toBe(grade));

  test("goes by the mean, not by the median", () => {
    expect(recoveryFigures([60, 60, 60, 4 * 604_800]).grade).toBe("low");
  });
});

test("whatever the durations: figures lie in order between the smallest and the largest", () => {
  const duration = fc.integer({ min: 0, max: 10_000_000 });
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1 }), (durations) => {
      const { n, mean_seconds, median_seconds, p90_seconds, p95_seconds, min_seconds, max_seconds } =
        recoveryFigures(durations);
      expect(n).toBe(durations.length);
      const rising = [min_seconds, median_seconds, p90_seconds, p95_seconds, max_seconds].map(Number);
      for (const [index, value] of rising.entries()) {
        expect(value).toBeGreaterThanOrEqual((rising[index - 1] ?? value) - 1e-6);
      }
      expect(Number(mean_seconds)).toBeGreaterThanOrEqual(Number(min_seconds));
      expect(Number(mean_seconds)).toBeLessThanOrEqual(Number(max_seconds));
    }),
  );
});
