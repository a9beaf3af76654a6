// JSON that means more than it says: names that reach for prototypes, numbers that no double holds, names that stand
// twice. Through every route that takes a body and every source, nothing is polluted, nothing is a fault, and the event
// keeps the body byte by byte.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { adminKey, projectA } from "../http/http-side.ts";
import { fixtures } from "../sources/fixtures.ts";
import { createWholeSide, type WholeSide } from "./whole-side.ts";

let side: WholeSide;
let key: string;
beforeAll(async () => {
  side = await createWholeSide();
  key = await side.keyFor(projectA, ["ingest", "read"]);
});
afterAll(() => side.stop());

/** As text: an object literal with __proto__ would set a prototype here already. */
const reaching = [
  '"__proto__":{"polluted":"yes"}',
  '"constructor":{"prototype":{"polluted":"yes"}}',
  '"prototype":{"polluted":"yes"}',
  '"__proto__":{"toString":"yes","isAdmin":true,"status":"DOWN"}',
  '"__proto__":null',
  '"__proto__":[]',
  '"__proto__.polluted":"yes"',
  '"a[__proto__][polluted]":"yes"',
  '"hasOwnProperty":1,"toJSON":1,"then":1,"valueOf":1,"length":1e9',
];
const names = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "then",
  "toJSON",
];
const own = (prototype: object): readonly string[] => Reflect.ownKeys(prototype).map(String).sort();
const before = [Object.prototype, Array.prototype, Function.prototype, String.prototype].map(own);

afterEach(() => {
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
  expect(([] as { polluted?: string }).polluted).toBeUndefined();
  expect([Object.prototype, Array.prototype, Function.prototype, String.prototype].map(own)).toEqual(before);
});

/** The JSON with the member put into each of its objects, one after the other. */
function* withMember(json: string, member: string): Generator<string> {
  for (const { index } of json.matchAll(/\{/g)) {
    const isEmpty = /^\{\s*\}/.test(json.slice(index));
    yield `${json.slice(0, index + 1)}${member}${isEmpty ? "" : ","}${json.slice(index + 1)}`;
  }
}

const parts = { project: projectA, incident: "i", key: "k", source: "fields", quarantine: "q" };
const webhook = {
  incident_id: "i",
  project_uuid: projectA,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};

describe("what reaches for a prototype", () => {
  test("in the body of any route is no fault and pollutes nothing", async () => {
    const routes = side.routes.filter(({ body }) => body !== undefined);
    expect(routes.length).toBeGreaterThan(6);
    for (const route of routes) {
      const json = JSON.stringify(route.template === "/api/incidents/webhook" ? webhook : route.body);
      for (const member of reaching) {
        for (const raw of [...withMember(json, member), `{${member}}`]) {
          const answer = await side.ask(route.method, route.path(parts), { key: adminKey, raw });
          expect([raw, answer.status < 500]).toEqual([raw, true]);
        }
      }
    }
  });

  test("as the value of any field of the contract is refused or kept as text", async () => {
    const fields = [
      "incident_id",
      "project_uuid",
      "status",
      "incident_time",
      "monitor_name",
      "monitor_id",
      "repo_uuid",
      "message",
      "local_time",
      "timezone",
    ];
    for (const field of fields) {
      for (const name of names) {
        const asked = { key, body: { ...webhook, [field]: name } };
        expect((await side.ask("POST", "/api/incidents/webhook", asked)).status).toBeLessThan(500);
        const raw = JSON.stringify({ ...webhook, [field]: 0 }).replace(
          `"${field}":0`,
          `"${field}":{"${name}":{"polluted":"yes"}}`,
        );
        expect((await side.ask("POST", "/api/incidents/webhook", { key, raw })).status).toBe(400);
      }
    }
  });

  test("as an incident_id, a source, a project, a status word or a parameter names nothing that is built in", async () => {
    for (const name of names) {
      const body = { ...webhook, incident_id: name };
      expect((await side.ask("POST", "/api/incidents/webhook", { key, body })).body.incident_id).toBe(name);
      expect((await side.ask("POST", `/api/incidents/webhook/${name}`, { key, body })).status).toBe(404);
      expect((await side.ask("GET", `/api/projects/${name}`, { key })).status).toBe(404);
      expect((await side.ask("GET", `/api/projects/${projectA}/incidents?${name}=1`, { key })).status).toBe(
        400,
      );
      const odd = await side.ask("POST", "/api/incidents/webhook", {
        key,
        body: { ...webhook, status: name },
      });
      expect([odd.status, odd.body.kind]).toEqual([200, null]);
      const mapped = await side.ask("PUT", `/api/projects/${projectA}/status-mappings`, {
        key: adminKey,
        raw: `{"${name}":"ALERT"}`,
      });
      expect(mapped.status).toBeLessThan(500);
      await side.ask("PUT", `/api/projects/${projectA}/status-mappings`, { key: adminKey, body: {} });
    }
  });

  test("in any object of any tool's payload, in its query and its headers, is no fault and pollutes nothing", async () => {
    let sent = 0;
    for (const fixture of fixtures) {
      const json = JSON.stringify(fixture.payload.body);
      if (!json.startsWith("{")) continue;
      const member = reaching[sent % reaching.length] ?? "";
      for (const raw of [...withMember(json, member)].slice(0, 20)) {
        if (raw.length > 4_000) continue;
        sent++;
        const path = `/api/incidents/webhook/${sent % 2 === 0 ? "auto" : fixture.source}?__proto__=polluted&constructor=x&__proto__[polluted]=yes`;
        const answer = await side.ask("POST", path, { key, raw, headers: { "x-__proto__": "polluted" } });
        expect([raw, answer.status]).toEqual([raw, 200]);
      }
    }
    expect(sent).toBeGreaterThan(300);
  });

  test("as a form's and a multipart body's field is no fault and pollutes nothing", async () => {
    const part = (name: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n{"polluted":"yes"}\r\n`;
    for (const name of [...names, "__proto__[polluted]", "constructor.prototype.polluted"]) {
      const form = await side.ask("POST", "/api/incidents/webhook/auto", {
        key,
        raw: `${encodeURIComponent(name)}=polluted&a=b`,
      });
      const multipart = await side.ask("POST", "/api/incidents/webhook/auto", {
        key,
        raw: `${part(name)}--b--\r\n`,
        headers: { "Content-Type": "multipart/form-data; boundary=b" },
      });
      expect([form.status, multipart.status]).toEqual([200, 200]);
    }
  });
});

describe("numbers and names that JSON leaves open", () => {
  const rest = `"project_uuid":"${projectA}","status":"DOWN","incident_time":"2025-01-15T10:30:00Z"`;
  const last = () => side.log.ofType("IncidentSignalRecorded").at(-1)?.data as Record<string, unknown>;
  const send = (raw: string | Uint8Array<ArrayBuffer>) =>
    side.ask("POST", "/api/incidents/webhook", { key, raw });

  const ids: readonly (readonly [string, string])[] = [
    ["9007199254740993", "9007199254740993"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["1e400", "1e400"],
    ["-0", "-0"],
    ["1.0", "1.0"],
    ["0.1e-7", "0.1e-7"],
  ];
  for (const [number, id] of ids) {
    test(`incident_id ${number} is exactly that, and the body is kept byte by byte`, async () => {
      const raw = `{ "incident_id" :\t${number},\n${rest},"more":{"n":${number},"list":[${number},1E400,-1e-400]}}`;
      expect((await send(raw)).body.incident_id).toBe(id);
      expect(last()).toMatchObject({ incident_id: id, payload: raw });
    });
  }

  test("what is no text where a text has to be is refused, and named", async () => {
    for (const value of ["true", "false", "null", "[]", "{}", "[1]", '["a"]']) {
      for (const field of ["incident_id", "status", "project_uuid", "incident_time"]) {
        const others = JSON.stringify({ ...webhook, [field]: undefined }).slice(1);
        const answer = await send(`{"${field}":${value},${others}`);
        expect([field, value, answer.status, answer.body.details.includes(field)]).toEqual([
          field,
          value,
          400,
          true,
        ]);
      }
    }
    for (const field of ["status", "project_uuid", "incident_time"]) {
      const others = JSON.stringify({ ...webhook, [field]: undefined }).slice(1);
      expect((await send(`{"${field}":1e400,${others}`)).status).toBe(400);
    }
  });

  test("a field that stands twice is refused; a field nobody knows may, and stays as it came", async () => {
    expect((await send(`{"incident_id":"a","incident_id":"b",${rest}}`)).body.details).toContain(
      "more than once",
    );
    expect((await send(`{"incident_id":"a","status":"UP",${rest}}`)).body.details).toContain("status");
    expect((await send(`{"incident_id":"a","\\u0069ncident_id":"b",${rest}}`)).status).toBe(400);
    const raw = `{"x":1,"incident_id":"twice","x":2,${rest}}`;
    expect((await send(raw)).status).toBe(200);
    expect(last()).toMatchObject({ incident_id: "twice", payload: raw });
  });

  test("a body that is no UTF-8 is read as Windows-1252; a byte order mark is left out, and odd escapes are kept", async () => {
    const text = `{"incident_id":"é","message":"\\ud83d\\u0000\\ud800",${rest}}`;
    expect((await send(new Uint8Array(Buffer.from(text, "latin1")))).body.incident_id).toBe("é");
    expect((await send(text)).status).toBe(200);
    expect(last()).toMatchObject({ payload: text, message: "\ud83d\u0000\ud800" });
    const marked = text.replace("é", "with a mark");
    expect((await send(`\ufeff${marked}`)).body.incident_id).toBe("with a mark");
    expect(last()).toMatchObject({ payload: marked });
  });
});
