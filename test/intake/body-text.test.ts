// Bodies in the charsets that machines send, with and without saying so, and what contract and tools' webhooks make of
// them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bodyText } from "../../src/intake/body-text.ts";
import { readContractWebhook } from "../../src/intake/contract-webhook.ts";
import { parseNative } from "../../src/intake/native-payload.ts";
import { receivedAt } from "../sources/fixtures.ts";

const text = '{"monitor_name": "\u00dcbersicht \u2013 Stra\u00dfe"}';
const utf8 = Buffer.from(text);
const wide = Buffer.from(text, "utf16le");
const mark = (...bytes: number[]) => Uint8Array.from(bytes);
const swapped = () => Buffer.from(wide).swap16();
/** As Windows PowerShell sends it: no dash, which Latin-1 lacks. */
const latin = Buffer.from(text.replace("\u2013", "-"), "latin1");

describe("the text of a body", () => {
  const cases: readonly (readonly [string, Uint8Array, string | undefined, string, string | undefined])[] = [
    ["UTF-8", utf8, undefined, text, undefined],
    ["UTF-8 with a mark", Buffer.concat([mark(0xef, 0xbb, 0xbf), utf8]), "application/json", text, undefined],
    [
      "UTF-16 with a mark",
      Buffer.concat([mark(0xff, 0xfe), wide]),
      "text/json; charset=utf-16",
      text,
      "utf-16le",
    ],
    ["UTF-16 the other way round", Buffer.concat([mark(0xfe, 0xff), swapped()]), undefined, text, "utf-16be"],
    ["UTF-16 without a mark", wide, "application/json; charset=utf-16", text, "utf-16le"],
    [
      "UTF-16 without a mark the other way round",
      swapped(),
      "application/json; charset=utf-16",
      text,
      "utf-16be",
    ],
    [
      "Latin-1 that is declared",
      latin,
      'application/json; charset="ISO-8859-1"',
      latin.toString("latin1"),
      "windows-1252",
    ],
    ["Latin-1 that is not", latin, "application/json", latin.toString("latin1"), "windows-1252"],
    [
      "Latin-1 that claims to be UTF-8",
      latin,
      "application/json; charset=utf-8",
      latin.toString("latin1"),
      "windows-1252",
    ],
    [
      "Windows-1252's own characters",
      mark(0x22, 0x80, 0x96, 0x22),
      "text/plain; charset=windows-1252",
      '"\u20ac\u2013"',
      "windows-1252",
    ],
    ["a charset that nobody knows", utf8, "application/json; charset=x-odd", text, undefined],
    ["nothing", mark(), "application/json; charset=utf-16", "", undefined],
  ];
  for (const [name, bytes, type, wanted, charset] of cases) {
    test(name, () => {
      const read = bodyText(bytes, type);
      expect(read.text).toBe(wanted);
      if (bytes.length > 0) expect(read.charset).toBe(charset as never);
    });
  }

  test("is there for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, type) => {
        expect(typeof bodyText(bytes, type).text).toBe("string");
      }),
    );
  });
});

test("a webhook of the contract in Latin-1 is read, and says in which charset it came", () => {
  const given = {
    incident_id: "prtg-7",
    project_uuid: "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11",
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00Z",
    monitor_name: "\u00dcbersicht",
  };
  const bytes = Buffer.from(JSON.stringify(given), "latin1");
  expect(readContractWebhook(bytes, "application/json")).toMatchObject({
    tag: "fields",
    charset: "windows-1252",
    payload: JSON.stringify(given),
    fields: { monitor_name: "\u00dcbersicht" },
  });
  expect(readContractWebhook(Buffer.from(JSON.stringify(given)), "application/json")).not.toHaveProperty(
    "charset",
  );
});

test("a tool's webhook in Latin-1, and one with NaN, are read", () => {
  const webhook = (body: Uint8Array) => ({
    body,
    headers: {},
    query: {},
    source: "auto",
    received_at: receivedAt,
  });
  expect(parseNative(webhook(Buffer.from('{"output": "l\u00e4uft nicht"}', "latin1")))).toMatchObject({
    ok: true,
    charset: "windows-1252",
    repaired: false,
    payload: { body: { output: "l\u00e4uft nicht" } },
  });
  const broken = '{"incident_id": "es-3", "ratio": NaN}';
  expect(parseNative(webhook(Buffer.from(broken)))).toMatchObject({
    ok: true,
    repaired: true,
    verbatim: broken,
    payload: { body: { incident_id: "es-3", ratio: null } },
  });
});
