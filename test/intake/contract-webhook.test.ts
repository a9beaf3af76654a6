// The ingest contract's fields, one rule after the other: what is read, what is refused, and that the answer names it.

import { describe, expect, test } from "bun:test";
import { type ContractReading, readContractWebhook } from "../../src/intake/contract-webhook.ts";

const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";
const repo = "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88";
const valid = {
  incident_id: "api",
  project_uuid: project,
  status: "DOWN",
  incident_time: "2025-01-15T10:30:00Z",
};

const readText = (text: string): ContractReading => readContractWebhook(new TextEncoder().encode(text));
const read = (changes: Readonly<Record<string, unknown>>): ContractReading =>
  readText(JSON.stringify({ ...valid, ...changes }));

function fieldsOf(reading: ContractReading) {
  if (reading.tag !== "fields") throw new Error(`expected fields, got ${JSON.stringify(reading)}`);
  return reading.fields;
}

function detailsOf(reading: ContractReading): string {
  if (reading.tag !== "problem") throw new Error(`expected a problem, got ${JSON.stringify(reading)}`);
  return reading.details;
}

describe("what is read", () => {
  test("the four required fields are enough, and the body is kept verbatim", () => {
    const text = ` ${JSON.stringify(valid)}\n`;
    expect(readText(text)).toEqual({
      tag: "fields",
      project_uuid: project,
      payload: text,
      repaired: false,
      fields: { incident_id: "api", status: "DOWN", incident_time: "2025-01-15T10:30:00.000000000Z" },
    } as unknown as ContractReading);
  });

  test("every optional field is read as sent, also where it is empty; an empty repo_uuid is absent", () => {
    const optional = {
      monitor_name: " Checkout ",
      monitor_id: "7",
      message: "",
      local_time: "2025-01-15 11:30:00",
      timezone: "Europe/Vienna",
    };
    expect(fieldsOf(read({ ...optional, repo_uuid: repo.toUpperCase() }))).toMatchObject({
      ...optional,
      repo_uuid: repo,
    });
    expect(fieldsOf(read({ repo_uuid: "" }))).not.toHaveProperty("repo_uuid");
    expect(fieldsOf(read({ monitor_name: "", monitor_id: "" }))).toMatchObject({
      monitor_name: "",
      monitor_id: "",
    });
  });

  test("null and Go's <no value> count as absent in an optional field", () => {
    const names = ["monitor_name", "monitor_id", "message", "repo_uuid", "local_time", "timezone"];
    for (const name of names) {
      for (const nothing of [null, "<no value>"]) {
        expect(fieldsOf(read({ [name]: nothing }))).not.toHaveProperty(name);
      }
    }
  });

  test("<no value> in a required field is no value for it", () => {
    expect(read({ project_uuid: "<no value>" }).tag).toBe("no_project");
    expect(detailsOf(read({ incident_time: "<no value>" }))).toContain("incident_time");
  });

  test("unknown fields are accepted, whatever is in them", () => {
    expect(fieldsOf(read({ extra: { deep: [1, null] }, constructor: 1 }))).toEqual(fieldsOf(read({})));
  });

  test("fields that every object inherits are not taken for given ones", () => {
    expect(detailsOf(readText('{"__proto__": {"incident_id": "x"}}'))).toContain("incident_id is missing");
  });

  test("a number is accepted as its own digits for incident_id and monitor_id, beyond 2^53 too", () => {
    const text = (id: string) =>
      `{"incident_id": ${id}, "monitor_id":${id}, "project_uuid": "${project}", "status": "up", "incident_time": "2025-01-15T10:30:00Z", "nested": {"incident_id": 5}}`;
    for (const id of ["0", "-7", "9007199254740993", "123456789012345678901234567890", "1.50", "1e3"]) {
      expect(fieldsOf(readText(text(id)))).toMatchObject({ incident_id: id, monitor_id: id } as object);
    }
  });

  test("a number is accepted nowhere else", () => {
    for (const name of ["status", "incident_time", "project_uuid", "monitor_name", "message", "repo_uuid"]) {
      expect(detailsOf(read({ [name]: 5 }))).toContain(`${name} must be a string, not a number`);
    }
  });

  test("a status is kept as it came, and any word is one", () => {
    expect(fieldsOf(read({ status: " Ünknown 💥 " })).status).toBe(" Ünknown 💥 ");
  });

  test("incident_id is kept as it came: blanks, NUL, a lone surrogate", () => {
    for (const id of [" ", " a ", "\0", "\ud800", "a/b?c#d%"])
      expect(String(fieldsOf(read({ incident_id: id })).incident_id)).toBe(id);
  });

  test("Uptime Kuma's time without a zone is UTC, and Go's text for a time is read", () => {
    const time = (text: string): string => fieldsOf(read({ incident_time: text })).incident_time;
    expect(time("2025-01-15 10:30:14.217")).toBe("2025-01-15T10:30:14.217000000Z");
    expect(time("2025-01-15 11:30:14.217 +0100 CET m=+1.2")).toBe("2025-01-15T10:30:14.217000000Z");
  });

  test("a byte order mark in front of the body is no part of it", () => {
    expect(fieldsOf(readText(`\ufeff${JSON.stringify(valid)}`))).toEqual(fieldsOf(read({})));
  });

  test("a body that is a JSON string means the object in it", () => {
    const inner = JSON.stringify({ ...valid, message: 'said "no"' });
    const reading = readText(JSON.stringify(inner));
    expect(fieldsOf(reading).message).toBe('said "no"');
    expect(reading).toMatchObject({ repaired: false, payload: JSON.stringify(inner) });
  });
});

describe("bounds", () => {
  const bounds = {
    incident_id: 512,
    monitor_id: 512,
    status: 512,
    local_time: 512,
    timezone: 512,
    monitor_name: 4_096,
  };
  for (const [name, longest] of Object.entries(bounds)) {
    test(`${name} may have ${longest} characters and no more`, () => {
      expect(read({ [name]: "x".repeat(longest) }).tag).toBe("fields");
      const details = detailsOf(read({ [name]: "x".repeat(longest + 1) }));
      expect(details).toBe(`${name} has ${longest + 1} characters; at most ${longest} are allowed.`);
    });
  }

  test("message may be as long as the body", () => {
    expect(fieldsOf(read({ message: "m".repeat(200_000) })).message?.length).toBe(200_000);
  });

  test("a number of more than 512 digits is too long for an id too", () => {
    const text = `{"incident_id": ${"1".repeat(513)}, "project_uuid": "${project}", "status": "up", "incident_time": "2025-01-15T10:30:00Z"}`;
    expect(detailsOf(readText(text))).toContain("incident_id has 513 characters");
  });
});

describe("what is refused, and how the answer says so", () => {
  test("a missing required field is named", () => {
    for (const name of Object.keys(valid)) {
      const { [name]: _, ...rest } = valid as Record<string, string>;
      expect(detailsOf(readText(JSON.stringify(rest)))).toBe(`${name} is missing.`);
    }
  });

  test("a required field is no string: null, a list, an object, a boolean", () => {
    const wrong = [
      [null, "null"],
      [[], "a list"],
      [{}, "an object"],
      [true, "a boolean"],
    ] as const;
    for (const name of Object.keys(valid)) {
      for (const [value, said] of wrong)
        expect(detailsOf(read({ [name]: value }))).toBe(`${name} must be a string, not ${said}.`);
    }
  });

  test("all problems are told at once", () => {
    const details = detailsOf(readText('{"status": 5}'));
    for (const name of ["project_uuid is missing", "incident_id is missing", "status must be a string"])
      expect(details).toContain(name);
  });

  test("an empty incident_id and an empty or blank status", () => {
    expect(detailsOf(read({ incident_id: "" }))).toBe("incident_id is empty.");
    expect(detailsOf(read({ status: "" }))).toBe("status is empty.");
    expect(detailsOf(read({ status: " \t" }))).toBe("status is empty.");
  });

  test("UUIDs that are none", () => {
    expect(read({ project_uuid: "42" })).toEqual({ tag: "no_project", project_uuid: "42" });
    expect(read({ repo_uuid: "shop" })).toMatchObject({ tag: "no_repository", repo_uuid: "shop" });
    expect(detailsOf(read({ project_uuid: "42", status: "" }))).toBe("status is empty.");
    expect(detailsOf(read({ project_uuid: " " }))).toBe("project_uuid is empty.");
  });

  test("a time that does not exist says what was wrong with it", () => {
    expect(detailsOf(read({ incident_time: "2025-02-30T10:00:00Z" }))).toBe(
      'Cannot read incident_time "2025-02-30T10:00:00Z": February has no day 30.',
    );
    for (const time of ["", "yesterday", "1736937014", "2025-01-15"])
      expect(detailsOf(read({ incident_time: time }))).toContain("Cannot read incident_time");
  });

  test("what is quoted of the sender's text is short and one line", () => {
    const details = detailsOf(read({ incident_time: `x\n${"y".repeat(5_000)}` }));
    expect(details).not.toContain("\n");
    expect(details.length).toBeLessThan(250);
  });

  test("bodies that are no object", () => {
    expect(detailsOf(readText(""))).toContain("The body is empty");
    expect(detailsOf(readText("  \n"))).toContain("The body is empty");
    expect(detailsOf(readText("[]"))).toBe("The body is a list; it must be a JSON object.");
    expect(detailsOf(readText("null"))).toBe("The body is null; it must be a JSON object.");
    expect(detailsOf(readText("5"))).toBe("The body is a number; it must be a JSON object.");
    expect(detailsOf(readText('"[]"'))).toContain("JSON string");
    expect(readText("{")).toMatchObject({ error: "Invalid JSON" });
    expect(readText("incident_id=api&status=DOWN")).toMatchObject({ error: "Invalid JSON" });
  });

  test("bytes that are JSON in no charset", () => {
    expect(readContractWebhook(Uint8Array.of(0x7b, 0xff, 0x7d))).toMatchObject({ error: "Invalid JSON" });
  });

  test("a known field that stands twice, also in other spelling and in a JSON string", () => {
    const twice = JSON.stringify(valid).replace("{", '{"status": "UP", ');
    const spelled = JSON.stringify(valid).replace("{", '{"st\\u0061tus": "UP", ');
    for (const text of [twice, spelled, JSON.stringify(twice), JSON.stringify(spelled)])
      expect(detailsOf(readText(text))).toContain("status stands in the body more than once");
  });

  test("a name that stands again deeper down, in a value or unknown is no repetition", () => {
    for (const extra of [
      { more: { status: "UP" } },
      { list: [{ status: 1 }] },
      { message: '"status": "UP"' },
    ])
      expect(read(extra).tag).toBe("fields");
    expect(readText(JSON.stringify(valid).replace("{", '{"x": 1, "x": 2, ')).tag).toBe("fields");
  });
});

describe("Uptime Kuma's Test button", () => {
  const notice = { incident_id: "", monitor_name: "", message: "My notification Testing", status: "pending" };

  test("is known by its empty names and its message", () => {
    expect(read(notice) as unknown).toEqual({ tag: "test", project_uuid: project });
    expect(read({ ...notice, incident_time: "odd" }).tag).toBe("test");
  });

  test("a message that quotes something does not hide it", () => {
    const text = JSON.stringify({ ...valid, ...notice }).replace("My", 'The "main"');
    expect(readText(JSON.stringify(text)).tag).toBe("test");
  });

  test("with any of the three otherwise it is a webhook like others", () => {
    expect(detailsOf(read({ ...notice, message: "Testing" }))).toContain("incident_id is empty");
    expect(detailsOf(read({ ...notice, message: "x Testing." }))).toContain("incident_id is empty");
    expect(detailsOf(read({ ...notice, monitor_name: "m" }))).toContain("incident_id is empty");
    expect(read({ ...notice, incident_id: "a" }).tag).toBe("fields");
  });

  test("a template filled with neither incident nor time is a test, whatever its monitor is called", () => {
    const filled = {
      incident_id: "",
      incident_time: "",
      monitor_name: "Monitor Name not available",
      status: "⚠️ Test",
    };
    expect(read(filled).tag).toBe("test");
    expect(detailsOf(read({ ...filled, incident_time: "2025-01-15T10:30:00Z" }))).toContain(
      "incident_id is empty",
    );
    expect(detailsOf(read({ ...filled, incident_id: "12" }))).toContain("incident_time");
  });

  test("its project_uuid must be one all the same", () => {
    expect(read({ ...notice, project_uuid: "no" })).toEqual({ tag: "no_project", project_uuid: "no" });
    expect(detailsOf(read({ ...notice, project_uuid: "" }))).toContain("project_uuid is empty");
  });
});

describe("JSON that is none only by a value or a comma", () => {
  const text = JSON.stringify({ ...valid, message: 'NaN, "Infinity",}' });

  for (const [name, broken] of [
    ["NaN in a field that nobody reads", text.replace("{", '{"ratio": NaN, ')],
    ["an infinity in a list", text.replace("{", '{"values": [1, -Infinity, +Infinity], ')],
    ["a comma behind the last field", text.replace(/}$/, ", }")],
    ["commas behind last elements", text.replace("{", '{"a": [1, 2,], "b": {"c": 1,}, ')],
  ] as const) {
    test(`${name}: recorded as repaired, its texts untouched`, () => {
      const reading = readText(broken);
      expect(reading).toMatchObject({
        tag: "fields",
        repaired: true,
        payload: broken,
        fields: { message: 'NaN, "Infinity",}' },
      });
    });
  }

  test("what says a field twice is refused all the same", () => {
    expect(detailsOf(readText(text.replace("{", '{"ratio": NaN, "status": "UP", ')))).toContain(
      "more than once",
    );
  });

  test("a required field that is no value is refused", () => {
    expect(detailsOf(readText(text.replace(/"incident_id":"[^"]*"/, '"incident_id": NaN')))).toContain(
      "incident_id",
    );
  });
});
