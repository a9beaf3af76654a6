import { describe, expect, test } from "bun:test";
import { suggestionFor } from "../../src/domain/similar-word.ts";

const suggested = (status: string, mappings = {}) => {
  const found = suggestionFor(status, mappings);
  return found === undefined ? undefined : `${found.kind} like ${found.similar_to}`;
};

describe("an unknown status is like a known word", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["CRIT", "ALERT like CRIT"],
    ["ALARM", "ALERT like ALARM"],
    ["CRITICL", "ALERT like CRITICAL"],
    ["Resolvd", "RECOVERY like RESOLVED"],
    ["🟢 Recoverd", "RECOVERY like RECOVERED"],
    ["SERVICE_DOWN", "ALERT like DOWN"],
    ["not OK", "ALERT like OK"],
    ["UNRESOLVED", "ALERT like RESOLVED"],
    ["INACTIVE", "RECOVERY like INACTIVE"],
    ["NOT_CRITICAL", "RECOVERY like CRITICAL"],
    ["INFO", undefined],
    ["purple monkey", undefined],
    ["", undefined],
    ["x".repeat(500), undefined],
  ];
  for (const [status, wanted] of cases) {
    test(`${status.slice(0, 20)}: ${wanted ?? "none"}`, () => expect(suggested(status)).toBe(wanted));
  }

  test("the project's own words go before all others", () => {
    expect(suggested("MELTING", { MELTED: "ALERT" })).toBe(undefined);
    expect(suggested("MELTTED", { MELTED: "ALERT" })).toBe("ALERT like MELTED");
    expect(suggested("FINE", { FINE: "ALERT" })).toBe("ALERT like FINE");
  });
});
