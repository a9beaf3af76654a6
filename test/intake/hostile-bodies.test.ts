// Bodies that are sent to break the reader: as deep, as odd and as ambiguous as a body may be. Each is answered.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readContractWebhook } from "../../src/intake/contract-webhook.ts";
import { numberText, repeatedName } from "../../src/intake/top-level-fields.ts";

const bodyBytes = 256 * 1_024;
const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
const rest = `"project_uuid": "${project}", "status": "up", "incident_time": "2025-01-15T10:30:00Z"`;
const read = (text: string) => readContractWebhook(new TextEncoder().encode(text));

describe("a body that nests as deep as it can", () => {
  const half = bodyBytes / 2;
  const bodies = {
    "lists that never end": "[".repeat(2_000_000),
    "lists that end": "[".repeat(half) + "]".repeat(half),
    objects: '{"a":'.repeat(bodyBytes / 5),
  };
  for (const [name, text] of Object.entries(bodies)) {
    test(`${name}, also within a JSON string, is refused`, () => {
      for (const body of [text, JSON.stringify(text)])
        expect(read(body)).toMatchObject({ error: "Invalid JSON" });
    });
  }

  test("in a field that nobody knows does not stand in the way of the others", () => {
    const deep = "[".repeat(1_000) + "]".repeat(1_000);
    expect(read(`{"more": ${deep}, "incident_id": 7, ${rest}}`)).toMatchObject({
      fields: { incident_id: "7" },
    });
  });
});

describe("a number's own digits", () => {
  test("are found behind any white space and other numbers of that name", () => {
    const json = `{"more": {"incident_id": 1}, "list": [{"incident_id": 2}, "\\"incident_id\\": 3"], "incident_id":${" \n".repeat(2_000)}9007199254740993}`;
    expect(numberText(json, "incident_id")).toBe("9007199254740993");
    expect(numberText(json, "monitor_id")).toBeUndefined();
  });

  test("are counted whole where there are too many", () => {
    expect(read(`{"incident_id": ${"1".repeat(100_000)}, ${rest}}`)).toMatchObject({
      details: "incident_id has 100000 characters; at most 512 are allowed.",
    });
  });

  test("are the sender's, whatever else the object holds", () => {
    const name = fc.string({ unit: "binary", maxLength: 12 }).filter((text) => text !== "n");
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.jsonValue()),
        fc.bigInt(),
        fc.nat({ max: 3 }),
        (others, number, indent) => {
          const json = JSON.stringify({ ...others, n: 0 }, null, indent).replace(/0(\s*)\}$/, `${number}$1}`);
          expect(numberText(json, "n")).toBe(String(number));
          expect(repeatedName(json, new Set(["n", ...Object.keys(others)]))).toBeUndefined();
          const twice = json.replace("{", '{"n": [{}],');
          expect(repeatedName(twice, new Set(["n"]))).toBe("n");
          expect(numberText(twice, "n")).toBe(String(number));
        },
      ),
    );
  });
});

test("what the parser says of a line break is said in one line", () => {
  for (const text of ['{"incident_id": "\\\n}', '{"incident_id": "a\u2028\n', "{\n\n!"]) {
    expect(read(text)).toMatchObject({ error: "Invalid JSON", details: expect.not.stringMatching(/\n/) });
  }
});

test("a text that closes its field and opens another that stands nowhere else is refused, not read as that field", () => {
  const grafana = (name: string): string =>
    `{"incident_id": "f1", ${rest}, "monitor_name": "${name}", "monitor_id": "7", "message": "said "no""}`;
  expect(read(grafana("checkout"))).toMatchObject({ tag: "fields", fields: { message: 'said "no"' } });
  for (const field of ["local_time", "timezone"]) {
    expect(read(grafana(`a", "${field}": "UTC`))).toMatchObject({ error: "Invalid JSON" });
  }
});

test("no body at all makes the reader throw, and what it refuses is said in one short line", () => {
  const pieces = fc.constantFrom(
    ...'{}[]",:\\ \n0',
    '"status"',
    '"incident_id": "',
    '"message":"',
    "null",
    rest,
  );
  let refused = 0;
  const odd = fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(
      fc.oneof(
        odd,
        odd.map((text) => `{${text}}`),
        fc.json(),
        fc.string({ unit: "binary" }),
      ),
      (text) => {
        for (const body of [text, JSON.stringify(text)]) {
          const reading = read(body);
          if (reading.tag !== "problem") continue;
          refused++;
          expect(reading.details).toMatch(/^[^\n]{1,2000}$/);
        }
      },
    ),
    { numRuns: 1_000 },
  );
  expect(refused).toBeGreaterThan(1_000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(["problem", "fields", "test"]).toContain(readContractWebhook(bytes).tag);
    }),
  );
});
