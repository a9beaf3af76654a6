// What is mended in broken JSON, what is left alone, and how long it may take.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { strictJson } from "../../src/intake/lenient-json.ts";

describe("a text that is JSON but for a value or a comma", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["[NaN]", "[null]"],
    ["[-Infinity,+Infinity, Infinity]", "[null,null, null]"],
    ['{"a":1,}', '{"a":1}'],
    ['{"a":[1,2 , ] ,\n}', '{"a":[1,2  ] \n}'],
    ['{"NaN,}": "NaN,]", "b": NaN}', '{"NaN,}": "NaN,]", "b": null}'],
    ['["\\"NaN\\\\", NaN]', '["\\"NaN\\\\", null]'],
  ];
  for (const [broken, whole] of cases) {
    test(broken, () => {
      expect(strictJson(broken)).toBe(whole);
      expect(() => JSON.parse(whole)).not.toThrow();
    });
  }
});

test("words, numbers and texts that only look so are left alone", () => {
  for (const text of ["[NaNs]", "[1NaN]", "[NaN.5]", '["NaN"]', "[1, 2]", '{"a": "x,}', "", "[xInfinity]"]) {
    expect(strictJson(text)).toBeUndefined();
  }
});

test("what is JSON is never changed", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(strictJson(text)).toBeUndefined();
    }),
  );
});

test("its time grows with the text, not with its square", () => {
  const took = (size: number): number => {
    const texts = [
      `"${'\\"'.repeat(size)}`,
      `[${", ".repeat(size)}`,
      `[${" ".repeat(size)},${" ".repeat(size)}`,
      `[${"+".repeat(size)}NaN`,
      `[${'"a",'.repeat(size)}`,
    ];
    const start = performance.now();
    for (const text of texts) strictJson(text);
    return performance.now() - start;
  };
  took(1_000);
  // A hundredth of the size, a hundred times: a square would make the whole a hundred times as long.
  const parts = Array.from({ length: 100 }, () => took(2_000)).reduce((sum, one) => sum + one, 0);
  expect(took(200_000)).toBeLessThan(20 * parts + 50);
});
