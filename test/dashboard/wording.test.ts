// Addresses, durations and lateness, as the dashboard's pure parts make them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addressText, parseAddress } from "../../src/dashboard/address.ts";
import { laterThanNews } from "../../src/dashboard/lateness.ts";
import { durationText, timeText } from "../../src/dashboard/wording.ts";

describe("an address", () => {
  const project = "5f0c954e-97a5-4d3c-8f5b-7d9b6f0f8a11";

  test("names the project, the page, the detail and the filters, and reads back as it was", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: "grapheme" }),
        fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })),
        (detail, query) => {
          const address = { project, page: "incidents", detail, query };
          const url = new URL(addressText(address), "http://ledger");
          expect(parseAddress(url.pathname, url.search)).toEqual({ ...address, query: { ...query } });
        },
      ),
    );
  });

  test("keeps incidents named by dots and slashes apart", () => {
    for (const detail of [".", "..", "a/b", "%2E", "?", "#", "../.."]) {
      const url = new URL(addressText({ project, page: "incidents", detail, query: {} }), "http://ledger");
      expect([detail, parseAddress(url.pathname, url.search).page]).toEqual([detail, "incidents"]);
    }
  });

  test("without a page is Now; without a project it names none", () => {
    expect(parseAddress(`/p/${project}`, "")).toMatchObject({ project, page: "now", detail: undefined });
    expect(parseAddress("/", "?wall=1")).toEqual({
      project: undefined,
      page: "now",
      detail: undefined,
      query: { wall: "1" },
    });
    expect(parseAddress("/p/x/incidents/%E0%A4%A", "").detail).toBe("%E0%A4%A");
  });
});

test("a duration shows its two largest units", () => {
  const texts = [0, 0.004, 0.35, 1, 59.9, 60, 754, 3_840, 86_400, 90_000, 864_000].map(durationText);
  expect(texts).toEqual([
    "0 s",
    "0.01 s",
    "0.35 s",
    "1 s",
    "59 s",
    "1 m",
    "12 m 34 s",
    "1 h 04 m",
    "1 d",
    "1 d 01 h",
    "10 d",
  ]);
});

test("a time has its year where that is not this one", () => {
  const now = Date.parse("2025-06-01T00:00:00Z");
  expect([timeText("2025-01-15T10:30:00Z", now), timeText("2024-12-31T23:59:59Z", now)]).toEqual([
    "15 Jan, 10:30",
    "31 Dec 2024, 23:59",
  ]);
});

test("late is what came after later news, or long after it happened", () => {
  const record = (event_id: string, effective_time: string, received_at: string) => ({
    event_id,
    effective_time: `2025-01-15T${effective_time}Z`,
    received_at: `2025-01-15T${received_at}Z`,
  });
  const late = laterThanNews([
    record("prompt", "10:00:00", "10:00:01"),
    record("after-news", "10:01:00", "10:03:00"),
    record("news", "10:02:00", "10:02:01"),
    record("slow", "10:10:00", "10:15:01"),
  ]);
  expect([...late].sort()).toEqual(["after-news", "slow"]);
});
