// Rows of exports: two webhooks each, one where the incident is still open, or a reason.

import { describe, expect, test } from "bun:test";
import { type RowKind, readRow } from "../../src/import/read-export.ts";

const project = "0b9ab39d-4d64-4e2b-9b5f-5b1c3c1f1e11";

/** `[status, incident_time]` of each webhook, or the reason. */
function outcome(kind: RowKind, fields: Record<string, unknown>): unknown {
  const reading = readRow(kind, fields, project);
  return reading.tag === "webhooks"
    ? reading.webhooks.map(({ status, incident_time }) => [status, incident_time])
    : `${reading.tag}: ${reading.reason}`;
}
const start = ["TRIGGERED", "2024-05-01T10:00:00.000000000Z"];
const end = ["RESOLVED", "2024-05-01T10:20:00.000000000Z"];

describe("a PagerDuty incident", () => {
  test("of the incidents report has its start and its end, in the account's zone", () => {
    const row = {
      id: "Q1",
      incident_number: "17",
      description: "Checkout is slow",
      service_id: "PSVC",
      service_name: "Checkout",
      created_on: "2024-05-01T03:00:00-07:00",
      resolved_on: "2024-05-01T03:20:00-07:00",
    };
    expect(outcome("pagerduty", row)).toEqual([start, end]);
    const reading = readRow("pagerduty", row, project);
    expect(reading.tag === "webhooks" && reading.webhooks[0]).toEqual({
      project_uuid: project,
      incident_id: "Q1",
      monitor_id: "PSVC",
      monitor_name: "Checkout",
      message: "Checkout is slow",
      status: "TRIGGERED",
      incident_time: "2024-05-01T10:00:00.000000000Z",
    });
  });

  test("of the REST API ends at resolved_at, or else with its last change once it is resolved", () => {
    const row = { id: "Q1", created_at: "2024-05-01T10:00:00Z", service: { id: "P", summary: "Checkout" } };
    const later = "2024-05-01T10:20:00Z";
    expect(outcome("pagerduty", { ...row, status: "resolved", resolved_at: later })).toEqual([start, end]);
    expect(outcome("pagerduty", { ...row, status: "resolved", last_status_change_at: later })).toEqual([
      start,
      end,
    ]);
    expect(outcome("pagerduty", { ...row, status: "acknowledged", last_status_change_at: later })).toEqual([
      start,
    ]);
  });
});

describe("an Opsgenie alert", () => {
  const row = { id: "a1", message: "Disk full", entity: "db-1", createdAt: "2024-05-01T10:00:00Z" };

  test("that was closed ends closeTime after its creation", () => {
    expect(outcome("opsgenie", { ...row, status: "closed", report: { closeTime: 1_200_000 } })).toEqual([
      start,
      end,
    ]);
  });

  test("that is open has no end", () => {
    expect(outcome("opsgenie", { ...row, status: "open" })).toEqual([start]);
  });

  test("that was closed at a time which nothing tells is refused: it would stay open for ever", () => {
    expect(outcome("opsgenie", { ...row, status: "closed", updatedAt: "2024-05-02T00:00:00Z" })).toContain(
      "refused: the incident has ended, and no field tells when",
    );
  });

  test("reads a spreadsheet's names for the same fields", () => {
    const cells = { "Alert ID": "a1", "Created At": "2024-05-01T10:00:00Z", Status: "Closed" };
    expect(outcome("opsgenie", { ...cells, "Closed At": "2024-05-01T10:20:00Z" })).toEqual([start, end]);
  });
});

describe("a DevLake row", () => {
  const row = { id: "webhook:1:7", type: "INCIDENT", created_date: "2024-05-01 10:00:00.000" };

  test("of an incident that is done ends at its resolution date", () => {
    const done = { ...row, status: "DONE", resolution_date: "2024-05-01 10:20:00.000" };
    expect(outcome("devlake", done)).toEqual([start, end]);
  });

  test("that is no incident is left out", () => {
    expect(outcome("devlake", { ...row, type: "REQUIREMENT" })).toBe(
      "left_out: its type is REQUIREMENT, not INCIDENT",
    );
  });

  test("with a database's NULL for its end is open, or refused once it is done", () => {
    expect(outcome("devlake", { ...row, status: "IN_PROGRESS", resolution_date: "NULL" })).toEqual([start]);
    expect(outcome("devlake", { ...row, status: "DONE", resolution_date: "NULL" })).toContain("refused");
  });
});

describe("a row is refused", () => {
  const row = { id: "Q1", created_at: "2024-05-01T10:00:00Z" };
  test.each([
    ["it names no incident", { created_at: "2024-05-01T10:00:00Z" }, "no field names the incident"],
    ["it tells no start", { id: "Q1" }, "no field tells the incident's start"],
    ["a time cannot be read", { ...row, resolved_at: "2024-05-41" }, 'Cannot read the end "2024-05-41"'],
    ["it ends before it starts", { ...row, resolved_at: "2024-04-01T00:00:00Z" }, "ends before it starts"],
  ] as const)("where %s", (_, fields, reason) => {
    expect(outcome("pagerduty", fields)).toContain(reason);
  });
});

test("a row of the contract is sent as it is, with the project where it names none", () => {
  const row = { incident_id: "a", status: "DOWN", incident_time: "2024-05-01 10:00:00", extra: "kept" };
  const webhooks = (fields: Record<string, unknown>) => {
    const reading = readRow("contract", fields, project);
    return reading.tag === "webhooks" ? reading.webhooks : [];
  };
  expect(webhooks(row)).toEqual([{ project_uuid: project, ...row }]);
  expect(webhooks({ ...row, project_uuid: "other" })).toEqual([{ ...row, project_uuid: "other" }]);
});
