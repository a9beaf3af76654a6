// A client's filter is refused where it could hold up the event store, and taken where it could not.

import { expect, test } from "bun:test";
import { couldTakeLong } from "../../src/eventstore/embedded/slow-regex.ts";

const harmless = [
  "^[^\\$].*",
  "^(IncidentSignalRecorded|ProjectRegistered|KeyIssued)$",
  "^incident\\..+\\.[a-z]{2}$",
  "(?:incident|registry)-\\d+",
  "^[(+*]+\\(a\\)+$",
  "((ab)c){3}",
  "^a.*?b.*?c$",
];
const slow = [
  "(a+)+$",
  "((a*))*$",
  "(a|a)*$",
  "(?:a|b)+",
  "(a?){25}a{25}",
  "(.*)(.*)(.*)(.*)x",
  ".{0,99}.{0,99}.{0,99}.{0,99}x",
  `${"a?".repeat(30)}${"a".repeat(30)}`,
  `${"(a|a)".repeat(100)}x`,
  ")(a+)+",
];

test.each(harmless)("%s is taken", (regex) => {
  expect(couldTakeLong(regex)).toBe(false);
  expect(() => new RegExp(regex)).not.toThrow();
});

test.each(slow)("%s is refused", (regex) => {
  expect(couldTakeLong(regex)).toBe(true);
});
