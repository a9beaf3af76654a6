// Numbers keep their digits, and every part of a document its own text, whatever the document looks like.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseNative } from "../../src/intake/native-payload.ts";
import { parseJson, verbatimText } from "../../src/sources/json-text.ts";
import { readPayload } from "../../src/sources/read-payload.ts";
import { receivedAt } from "./fixtures.ts";

describe("a number", () => {
  test("beyond 2^53 becomes its digits, wherever it stands; every other stays a number", () => {
    expect(
      parseJson(
        '{"id":12345678901234567890,"ids":[{"id":-9007199254740993},9007199254740991,1.5,1e400,1234567890123456.5]}',
      ),
    ).toEqual({
      id: "12345678901234567890",
      ids: [
        { id: "-9007199254740993" },
        9_007_199_254_740_991,
        1.5,
        Number.POSITIVE_INFINITY,
        1234567890123456.5,
      ],
    });
    expect(parseJson('{"__proto__":{"x":12345678901234567890}}')).toEqual(
      JSON.parse('{"__proto__":{"x":"12345678901234567890"}}'),
    );
  });

  test("leaves a document that nests deep readable", () => {
    const depth = 100_000;
    const deep = `${"[".repeat(depth)}12345678901234567890${"]".repeat(depth)}`;
    expect(Array.isArray(parseJson(deep))).toBe(true);
  });
});

describe("the text of a part", () => {
  /** JSON with white space and escapes that JSON.stringify would not write. */
  const written = (value: unknown, next: () => number): string => {
    const space = () => ["", " ", "\n\t", "  "][next() % 4] ?? "";
    const text = (inner: string) =>
      next() % 2 === 0
        ? JSON.stringify(inner)
        : `"${[...Array(inner.length).keys()].map((at) => `\\u${inner.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
    if (Array.isArray(value)) {
      return `[${space()}${value.map((one) => written(one, next)).join(`${space()},${space()}`)}${space()}]`;
    }
    if (typeof value === "object" && value !== null) {
      const fields = Object.entries(value).map(
        ([name, one]) => `${text(name)}${space()}:${space()}${written(one, next)}`,
      );
      return `{${space()}${fields.join(`${space()},`)}${space()}}`;
    }
    return typeof value === "string" ? text(value) : JSON.stringify(value);
  };
  const nodesOf = (value: unknown): object[] =>
    typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(nodesOf)] : [];

  test("says what the part says, and stands in the document so, for every part of any document", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.nat(), { minLength: 1 }), (value, choices) => {
        let at = 0;
        const text = ` ${written(value, () => choices[at++ % choices.length] ?? 0)} `;
        const root = parseJson(text);
        for (const node of nodesOf(root)) {
          const own = verbatimText(node, root, text);
          expect(own === undefined ? undefined : text.includes(own)).toBe(true);
          expect(parseJson(own ?? "")).toEqual(node);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("of a name that stands twice is that of the value that counts", () => {
    const text = '{"a":{"b":{"x":1},"c":[0]},"a":{"b":{"x" : 2}}}';
    const root = parseJson(text) as { a: { b: object } };
    expect(verbatimText(root.a.b, root, text)).toBe('{"x" : 2}');
    expect(verbatimText(root.a, root, text)).toBe('{"b":{"x" : 2}}');
  });

  test("is nothing for what stands elsewhere", () => {
    expect(verbatimText({}, { a: {} }, '{"a":{}}')).toBeUndefined();
    expect(verbatimText("a", { a: "a" }, '{"a":"a"}')).toBeUndefined();
  });
});

describe("each element of a group or batch", () => {
  const read = (source: string, text: string) => {
    const parsed = parseNative({
      body: new TextEncoder().encode(text),
      headers: {},
      query: {},
      source,
      received_at: receivedAt,
    });
    const reading = parsed.ok ? readPayload(source, parsed.payload)?.reading : undefined;
    if (reading?.tag !== "signals") throw new Error(`${source} reads no signals: ${JSON.stringify(reading)}`);
    return reading.signals.map(({ incident_id, payload }) => [incident_id, payload]);
  };

  test("of Alertmanager and Grafana has its id digit by digit and its own text", () => {
    const alerts = ["12345678901234567890", "12345678901234567891"].map(
      (id) =>
        `{ "status":"firing",\n "startsAt":"2025-01-15T10:30:00Z", "fingerprint": ${id}, "n": 1.0, "t": "\\u0041" }`,
    );
    const text = `{"version":"4","groupKey":"g","orgId":1,"alerts":[ ${alerts.join(" , ")} ]}`;
    for (const source of ["alertmanager", "grafana"]) {
      const found = read(source, text);
      expect(found.map(([, payload]) => payload)).toEqual(alerts);
    }
    expect(read("alertmanager", text).map(([id]) => id)).toEqual([
      "12345678901234567890",
      "12345678901234567891",
    ]);
    // Quoted whole, as some senders do, the inner text is what was meant.
    expect(read("alertmanager", JSON.stringify(text)).map(([, payload]) => payload)).toEqual(alerts);
  });

  test("of a CloudEvents batch too", () => {
    const events = ["9007199254740993", "9007199254740992"].map(
      (id) =>
        `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"incident_id": ${id} ,"status":"down"}}`,
    );
    expect(read("cloudevents", `[${events.join(",\n")}]`)).toEqual([
      ["9007199254740993", events[0]],
      ["9007199254740992", events[1]],
    ]);
  });
});
