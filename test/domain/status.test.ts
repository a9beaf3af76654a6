// Which word means which kind: the contract's table to the letter, any case, trimmed, and a project's own words first.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { kindOf, normaliseStatus } from "../../src/domain/status.ts";

const alerts = [
  "DOWN",
  "FIRING",
  "ALERT",
  "WARN",
  "ACTIVATED",
  "TRIGGER",
  "OPEN",
  "PROBLEM_OPEN",
  "PROBLEM",
  "CRITICAL",
  "CREATE",
  "UPDATE",
  "ACTIVE",
  "FAILURE",
  "TRIGGERED",
  "PENDING",
];
const recoveries = [
  "UP",
  "RESOLVED",
  "RECOVERY",
  "CLOSED",
  "RESOLVE",
  "OK",
  "PROBLEM_CLOSE",
  "CLOSE",
  "SUCCESS",
  "MAINTENANCE",
];

describe("the built-in words", () => {
  for (const [kind, words] of [
    ["ALERT", alerts],
    ["RECOVERY", recoveries],
  ] as const) {
    for (const word of words) {
      test(`${word} is ${kind === "ALERT" ? "an" : "a"} ${kind}, in any case and trimmed`, () => {
        for (const form of [
          word,
          word.toLowerCase(),
          ` ${word}\n`,
          word.charAt(0) + word.slice(1).toLowerCase(),
        ]) {
          expect(kindOf(form, {})).toBe(kind);
        }
      });
    }
  }

  test("any other word is neither, also what every object inherits", () => {
    for (const word of ["", "DEGRADED", "DOWNED", "UP UP", "constructor", "__proto__", "toString", "NULL"]) {
      expect(kindOf(word, {})).toBeNull();
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (word) => {
        const normal = normaliseStatus(word);
        fc.pre(!alerts.includes(normal) && !recoveries.includes(normal));
        expect(kindOf(word, {})).toBeNull();
      }),
    );
  });
});

describe("a project's own words", () => {
  test("are added to the built-in ones, and go before them", () => {
    const mappings = { DEGRADED: "ALERT", FINE: "RECOVERY", PENDING: "RECOVERY" } as const;
    expect(kindOf(" degraded ", mappings)).toBe("ALERT");
    expect(kindOf("Fine", mappings)).toBe("RECOVERY");
    expect(kindOf("pending", mappings)).toBe("RECOVERY");
    expect(kindOf("down", mappings)).toBe("ALERT");
    expect(kindOf("unknown", mappings)).toBeNull();
  });
});

test("normalising a normal form changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (word) => {
      const normal = normaliseStatus(word);
      expect(normaliseStatus(normal)).toBe(normal);
    }),
  );
});

describe("a decorated word", () => {
  const decorated: readonly (readonly [string, "ALERT" | "RECOVERY"])[] = [
    ["\u{1f534} Down", "ALERT"],
    ["\u2705 Up", "RECOVERY"],
    ["[UP]", "RECOVERY"],
    ["Status: Resolved", "RECOVERY"],
    ["**DOWN**", "ALERT"],
    ["\u26a0\ufe0f Problem_Open!", "ALERT"],
    ["(ok)", "RECOVERY"],
    ["\u{1f7e2} status : \u201cok\u201d.", "RECOVERY"],
  ];
  for (const [status, kind] of decorated) {
    test(`${status} is ${kind}`, () => expect(kindOf(status, {})).toBe(kind));
  }

  const unclear = [
    "not OK",
    "OK -> DOWN",
    "OK \u2192 DOWN",
    "!OK",
    "\u26a0\ufe0f Test",
    "Status: not OK",
    "Status:",
    "\u{1f534}",
    "up 1",
    "=UP",
    "CRIT",
    "ALARM",
    "Recovered",
  ];
  for (const status of unclear) test(`${status} stays unknown`, () => expect(kindOf(status, {})).toBeNull());

  test("is a project's own word too, unless the project maps it as it came", () => {
    expect(kindOf("\u{1f7e0} Degraded", { DEGRADED: "ALERT" })).toBe("ALERT");
    expect(kindOf("[UP]", { "[UP]": "ALERT", UP: "RECOVERY" })).toBe("ALERT");
    expect(kindOf("[UP]", { UP: "ALERT" })).toBe("ALERT");
  });
});
