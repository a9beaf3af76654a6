// Every fixture of every source before the recogniser of every other one: no source takes another tool's webhook for its
// own, but for those that share a carrier or imitate a format. There the order in registry.ts decides.

import { describe, expect, test } from "bun:test";
import { sources } from "../../src/sources/registry.ts";
import { fixtures } from "./fixtures.ts";

/** By source: whose recognisers would take its webhooks too, and why nothing in them tells the two apart. */
const alsoTakenBy: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "amazon-managed-prometheus": { "cloudwatch-sns": "both come through an SNS topic" },
  "betterstack-status-page": { "statuspage-component": "it imitates Atlassian's shape" },
  cloudevents: { fields: "the event's data may be the six fields, its attributes are in headers" },
  "dead-mans-snitch": { "standard-webhooks": "it has that envelope's fields, unsigned" },
  instatus: { statuspage: "it imitates Atlassian's shape" },
  "instatus-component": { "statuspage-component": "it imitates Atlassian's shape" },
};

const order = sources.map(({ name }) => name);

describe("a webhook is taken by its own tool's source alone", () => {
  for (const fixture of fixtures) {
    const own = fixture.auto === undefined ? fixture.source : fixture.auto;
    test(`${fixture.source}: ${fixture.name}`, () => {
      const allowed = own === null ? [] : [own, ...Object.keys(alsoTakenBy[own] ?? {})];
      const takers = sources.filter((source) => source.recognise(fixture.payload)).map(({ name }) => name);
      expect(takers.filter((name) => !allowed.includes(name))).toEqual([]);
    });
  }
});

test("a source whose webhooks another one would take is asked before it, and still needs to be", () => {
  for (const [own, others] of Object.entries(alsoTakenBy)) {
    for (const other of Object.keys(others)) {
      expect(order.indexOf(own)).toBeLessThan(order.indexOf(other));
      const taker = sources.find(({ name }) => name === other);
      const owned = fixtures.filter((fixture) => (fixture.auto ?? fixture.source) === own);
      expect(owned.some(({ payload }) => taker?.recognise(payload) === true)).toBe(true);
    }
  }
});
