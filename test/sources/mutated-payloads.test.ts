// Every source over ten thousand payloads made from its fixtures by breaking them: whatever arrives, it answers signals,
// ignored or unrecognised, and what it calls a signal is one.

import { expect, test } from "bun:test";
import { parseInstant } from "../../src/domain/instant.ts";
import { recogniseSource, sources } from "../../src/sources/registry.ts";
import type { Reading, SourcePayload, SourceSignal } from "../../src/sources/source.ts";
import { fixtures } from "./fixtures.ts";
import { neverAnswered, type Outcome, outcomeOf } from "./never-answered.ts";

const payloadsPerSource = 10_000;

/** What stands where something else was expected; parsed, so that `__proto__` is a field as it is in a payload. */
const junk: readonly unknown[] = [
  ...(JSON.parse(`[null, true, false, 0, -1, 1, 1.5, 1e308, -1e308, 9007199254740993, 1736937002, 1736937002123456789,
    "", " ", "0", "-1", "1e999", "NaN", "true", "null", "__proto__", "constructor", "toString", "\\u0000", "\\ud800",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2025-02-30T00:00:00Z", "2025-01-15 10:30:05", "*monitorID*", "{PID}",
    [], {}, [[]], [null], {"__proto__": {"status": "firing"}}, {"constructor": {"prototype": null}},
    {"status": {"status": {"status": "firing"}}}, {"length": 1e9}, "{\\"a\\":[1,2", "[firing]", "ALERT", "resolved"]`) as unknown[]),
  "x".repeat(513),
  "9".repeat(400),
  "y".repeat(200_000),
  JSON.parse(`${"[".repeat(2_000)}${"]".repeat(2_000)}`),
  JSON.parse(`${'{"data":'.repeat(500)}1${"}".repeat(500)}`),
];

for (const source of sources) {
  test(`${source.name} answers whatever it is sent`, () => {
    const seeds = fixtures.filter((fixture) => fixture.source === source.name).map(({ payload }) => payload);
    const random = randomFrom(source.name);
    const broken: string[] = [];
    const seen = new Set<Outcome>();
    const answers = { signals: 0, ignored: 0, unrecognised: 0 };
    for (let n = 0; n < payloadsPerSource && broken.length === 0; n++) {
      const payload = mutated(seeds[n % seeds.length] as SourcePayload, random);
      try {
        source.recognise(payload);
        const reading = source.read(payload);
        answers[reading.tag] += 1;
        const problem = problemOf(reading);
        for (const outcome of outcomesIn(reading)) if (outcome !== undefined) seen.add(outcome);
        if (problem !== undefined) broken.push(`${problem}: ${shown(payload)}`);
      } catch (error) {
        broken.push(`it threw ${error}: ${shown(payload)}`);
      }
    }
    expect(broken).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
    const never = Object.keys(neverAnswered[source.name] ?? {});
    expect([...seen].filter((outcome) => never.includes(outcome))).toEqual([]);
    // Broken enough to be refused often, whole enough to be read often.
    expect(answers.signals).toBeGreaterThan(payloadsPerSource / 100);
    expect(answers.unrecognised).toBeGreaterThan(payloadsPerSource / 100);
  }, 60_000);
}

test("auto takes junk for nothing, and never throws", () => {
  for (const body of junk) {
    const payload = { body, text: "", headers: {}, query: {}, received_at: fixtures[0]?.payload.received_at };
    expect(recogniseSource(payload as SourcePayload)?.name).toBeUndefined();
  }
});

const outcomesIn = (reading: Reading): readonly (Outcome | undefined)[] =>
  reading.tag === "signals"
    ? [...reading.signals.map(outcomeOf), ...reading.ignored.map(() => "ignored" as const)]
    : [reading.tag];

function problemOf(reading: Reading): string | undefined {
  switch (reading.tag) {
    case "signals":
      if (reading.signals.length === 0) return "signals without a signal";
      if (reading.ignored.some(({ reason }) => reason === "")) return "ignored without a reason";
      return reading.signals.map(problemOfSignal).find((problem) => problem !== undefined);
    case "ignored":
    case "unrecognised":
      return reading.reason === "" ? `${reading.tag} without a reason` : undefined;
    default:
      return `the answer ${JSON.stringify(reading satisfies never)}`;
  }
}

const optional = ["monitor_name", "monitor_id", "message", "local_time", "timezone", "payload"] as const;

const kinds: readonly string[] = ["ALERT", "RECOVERY", "DISMISSAL", "ACKNOWLEDGEMENT"];

function problemOfSignal(signal: SourceSignal): string | undefined {
  const { incident_id, status, kind, incident_time, time_basis } = signal;
  if (typeof incident_id !== "string" || incident_id === "" || incident_id.length > 512)
    return "its incident_id";
  if (typeof status !== "string" || status === "") return "its status";
  if (kind !== undefined && kind !== null && !kinds.includes(kind)) return "its kind";
  const time = parseInstant(incident_time);
  if (!time.ok || time.value !== incident_time) return `its time ${incident_time}`;
  if (incident_time.startsWith("0001-")) return "its time, which stands for none";
  const { started_at, reminder, exact } = signal;
  if (started_at !== undefined && (kind !== "RECOVERY" || !(started_at < incident_time)))
    return "its started_at";
  if (reminder !== undefined && kind !== "ALERT" && kind !== undefined) return "its reminder";
  if (exact !== undefined && typeof exact !== "boolean") return "its exactness";
  if (time_basis !== "incident_time" && time_basis !== "received") return "its time_basis";
  const wrong = optional.find((name) => name in signal && typeof signal[name] !== "string");
  return wrong === undefined ? undefined : `its ${wrong}`;
}

type Random = (below: number) => number;

function mutated(seed: SourcePayload, random: Random): SourcePayload {
  let { body, headers, query } = seed;
  for (let times = 1 + random(3); times > 0; times--) {
    const where = random(12);
    if (where === 0) headers = broken(headers, random) as SourcePayload["headers"];
    else if (where === 1) query = broken(query, random) as SourcePayload["query"];
    else body = brokenInside(body, random, 8);
  }
  const text = random(16) === 0 ? JSON.stringify(body) : seed.text;
  return { ...seed, body, headers: texts(headers), query: texts(query), text };
}

/** A copy with one place broken, found by going down at random; the rest is shared with the original. */
function brokenInside(value: unknown, random: Random, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth === 0 || random(6) === 0)
    return broken(value, random);
  const keys = Object.keys(value);
  const key = keys[random(keys.length)];
  if (key === undefined) return broken(value, random);
  const inside = brokenInside((value as Record<string, unknown>)[key], random, depth - 1);
  if (Array.isArray(value)) return value.map((element, at) => (String(at) === key ? inside : element));
  return { ...value, [key]: inside };
}

function broken(value: unknown, random: Random): unknown {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && random(3) > 0) {
    const keys = Object.keys(value);
    const key = keys[random(keys.length)] ?? "status";
    const { [key]: taken, ...rest } = value as Record<string, unknown>;
    if (random(2) === 0) return rest;
    return Object.defineProperty(rest, random(2) === 0 ? "__proto__" : key.toUpperCase(), {
      value: taken,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  const piece = junk[random(junk.length)];
  const way = random(8);
  if (way === 0) return [value, piece];
  if (way === 1) return { value };
  if (way === 2 && typeof value === "string") return value.slice(0, random(value.length + 1));
  if (way === 3 && typeof value === "string") return `${value}${typeof piece === "string" ? piece : ""}`;
  if (way === 4 && typeof value === "number") return value * 10 ** (random(40) - 20);
  return piece;
}

/** Headers and queries hold texts, whatever else is wrong with them. */
const texts = (fields: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(typeof fields === "object" && fields !== null ? fields : {}).filter(
      (field): field is [string, string] => typeof field[1] === "string",
    ),
  );

/** The same payloads in every run: a small generator with its seed from a name. */
function randomFrom(name: string): Random {
  let state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const shown = ({ body, headers, query }: SourcePayload): string =>
  JSON.stringify({ body, headers, query }).slice(0, 3_000);
