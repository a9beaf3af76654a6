import { describe, expect, test } from "bun:test";
import { parseInstant } from "../../src/domain/instant.ts";
import { type NativeWebhook, parseNative } from "../../src/intake/native-payload.ts";

const moment = parseInstant("2026-03-01T09:00:00Z");
if (!moment.ok) throw new Error(moment.problem);
const received_at = moment.value;

const webhook = (body: string | Uint8Array, more: Partial<NativeWebhook> = {}): NativeWebhook => ({
  body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  headers: {},
  query: {},
  source: "auto",
  received_at,
  ...more,
});

const read = (body: string | Uint8Array, more: Partial<NativeWebhook> = {}) => {
  const parsed = parseNative(webhook(body, more));
  if (!parsed.ok) return parsed.reason;
  return { body: parsed.payload.body, text: parsed.payload.text, verbatim: parsed.verbatim };
};

const form = "application/x-www-form-urlencoded";

describe("a webhook's bytes are read by their content", () => {
  test("JSON, whatever the Content-Type says", () => {
    for (const content_type of ["application/json", "text/plain; charset=UTF-8", form]) {
      expect(read('{"a": 1234567890123456}', { content_type })).toEqual({
        body: { a: 1234567890123456 },
        text: '{"a": 1234567890123456}',
        verbatim: '{"a": 1234567890123456}',
      });
    }
    expect(read(" \n[1]")).toMatchObject({ body: [1] });
  });

  test("a JSON string that holds JSON means the JSON inside; what was sent is kept", () => {
    const sent = JSON.stringify('{"state": "down"}');
    expect(read(sent)).toEqual({ body: { state: "down" }, text: '{"state": "down"}', verbatim: sent });
    expect(read('"only words"')).toMatchObject({ body: "only words" });
  });

  test("a form", () => {
    expect(read("Name=Shop+front&Status=Down&Status=Up", { content_type: form })).toMatchObject({
      body: { Name: "Shop front", Status: "Up" },
    });
    expect(read("a=1&__proto__=2")).toMatchObject({ text: "a=1&__proto__=2" });
    const many = (count: number): string => Array.from({ length: count }, (_, n) => `f${n}=1`).join("&");
    expect(read(many(1_000))).toMatchObject({ text: many(1_000) });
    expect(read(many(1_001))).toBe("the body is neither JSON nor a form");
  });

  test("a form with a JSON document in payload or data", () => {
    const document = JSON.stringify({ action: "closed", note: "50% & more" });
    for (const name of ["payload", "data"]) {
      const sent = `${name}=${encodeURIComponent(document)}`;
      expect(read(sent, { content_type: form })).toEqual({
        body: { action: "closed", note: "50% & more" },
        text: document,
        verbatim: sent,
      });
    }
    expect(read("data=none&status=up")).toMatchObject({ body: { data: "none", status: "up" } });
  });

  test("a multipart form with a JSON document in data, told by its first line alone", () => {
    const document = '{"msg": "two\\nlines"}';
    const sent = `--xyz1\r\nContent-Disposition: form-data; name="data"\r\n\r\n${document}\r\n--xyz1--\r\n`;
    for (const more of [{ content_type: "multipart/form-data; boundary=xyz1" }, {}]) {
      expect(read(sent, more)).toEqual({ body: { msg: "two\nlines" }, text: document, verbatim: sent });
    }
  });

  test("fields of a multipart form, without its files", () => {
    const part = (head: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
    const sent = `${part('name="status"', "up")}${part('name="log"; filename="a.txt"', "x")}--b--\r\n`;
    expect(read(sent)).toMatchObject({ body: { status: "up" } });
  });

  test("no body: the query's parameters", () => {
    const query = { status: "down", incident_id: "shop" };
    expect(read("", { query })).toEqual({ body: query, text: "", verbatim: JSON.stringify(query) });
    expect(read("", { query: { ...query, token: "il_x" } })).toMatchObject({
      verbatim: JSON.stringify(query),
    });
  });

  test("what is none of these is told so", () => {
    expect(read('{"message": "a "quoted" word"}')).toBe("the body is neither JSON nor a form");
    expect(read("hello world")).toBe("the body is neither JSON nor a form");
    expect(read(new Uint8Array([0x7b, 0xff, 0xfe]))).toBe("the body is neither JSON nor a form");
  });
});
