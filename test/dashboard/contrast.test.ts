// The colours of both themes, as tokens.css has them, against what WCAG asks: 4.5:1 for text, 3:1 for graphics.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const css = readFileSync(join(import.meta.dirname, "../../src/dashboard/tokens.css"), "utf8");
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = "", light = "", dark = ""]) => [name, { light, dark }] as const,
  ),
);

const texts = ["text", "text-soft", "accent", "open-text", "recovery-text", "late-text"];
const graphics = ["open", "ended", "recovery", "late", "line-strong"];
const grounds = ["paper", "sheet", "raised"];

for (const theme of ["light", "dark"] as const) {
  describe(theme, () => {
    const colour = (name: string): string => tokens.get(name)?.[theme] ?? "";
    test("text can be read on every ground", () => {
      const poor = texts.flatMap((name) =>
        grounds
          .map((ground) => [name, ground, contrast(colour(name), colour(ground))] as const)
          .filter(([, , ratio]) => !(ratio >= 4.5)),
      );
      expect(poor).toEqual([]);
      expect(contrast(colour("on-accent"), colour("accent"))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("open-text"), colour("open-tint"))).toBeGreaterThanOrEqual(4.5);
    });
    test("marks can be seen on every ground", () => {
      const poor = graphics.flatMap((name) =>
        grounds
          .map((ground) => [name, ground, contrast(colour(name), colour(ground))] as const)
          .filter(([, , ratio]) => !(ratio >= 3)),
      );
      expect(poor).toEqual([]);
    });
  });
}

test("black on white is 21:1", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
});

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
