// Any text in any field, through the running service into its event store and its Postgres: every webhook is answered
// 200, every event is exactly what was sent, and the read model shows its normal form. None is stuck or a dead letter.

import { afterAll, beforeAll, expect } from "bun:test";
import fc from "fast-check";
import type { Page } from "../../src/answers/field.ts";
import type { IncidentItem, TimelineItem } from "../../src/answers/incidents.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";

const {
  random: { seed },
  test,
} = reportedTests(import.meta.path);

const webhooks = 2_000;

let service: RunningService;
let project: string;
let key: string;
beforeAll(async () => {
  service = await startService();
  ({ project, key } = await registerProject(service));
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

const special = fc.constantFrom(
  "\0",
  "\u0001",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u00a0",
  "\u00ad",
  "\u200b",
  "\u200f",
  "\u2028",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\ufffd",
  "\ufffe",
  "\uffff",
  "\ud800",
  "\udfff",
  "\ud83d\ude00",
  "\u{10ffff}",
  "e\u0301",
  "\u00e9",
  "\u212b",
  "ﬁ",
  "İ",
  "ß",
  "Σς",
  "'",
  '"',
  "\\",
  "\\u0000",
  "{}",
  "null",
  "<script>",
  "%00",
  "\r\n",
  "\t",
  "␀",
);
const text = (maxLength: number) =>
  fc
    .array(
      fc.oneof(
        special,
        fc.string({ unit: "binary", maxLength: 8 }),
        fc.string({ unit: "grapheme", maxLength: 8 }),
        fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)),
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((parts) => parts.join("").slice(0, maxLength));
const sent = fc.record(
  {
    incident_id: text(512).filter((id) => id !== ""),
    status: text(100).filter((word) => word.trim() !== ""),
    monitor_name: text(4_000),
    monitor_id: text(512),
    message: text(4_000),
    local_time: text(500),
    timezone: text(500),
  },
  { requiredKeys: ["incident_id", "status"] },
);
type Sent = Readonly<Record<string, string>> & { readonly incident_id: string };

/** As the README says. */
const normalForm = (value: string): string => value.toWellFormed().replaceAll("\0", "\u2400");

/** JSON in which everything that need not be escaped may be, so that both ways are tried. */
const written = (body: object, escapes: boolean): string =>
  escapes
    ? JSON.stringify(body).replace(
        /[^\x20-\x7e]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      )
    : JSON.stringify(body);

async function every<T>(path: string): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await service.json(
      "GET",
      `${path}?limit=500${cursor === null ? "" : `&cursor=${cursor}`}`,
      { key },
    );
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return items;
}

test("S6: any text in any field is kept exactly and shown in its normal form", async (report) => {
  const all = fc.sample(sent, { numRuns: webhooks, seed }) as readonly Sent[];
  const byEvent = new Map<string, { sent: Sent; raw: string }>();
  const statuses = new Map<number, number>();
  for (let at = 0; at < all.length; at += 50) {
    await Promise.all(
      all.slice(at, at + 50).map(async (fields, n) => {
        const raw = written(
          {
            ...fields,
            project_uuid: project,
            incident_time: `2025-01-15T10:30:00.${String(at + n).padStart(9, "0")}Z`,
          },
          n % 2 === 0,
        );
        const answer = await checkedFetch(`${service.url}/api/incidents/webhook/`, {
          method: "POST",
          headers: { "X-API-Key": key },
          body: raw,
        });
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const said = (await answer.json()) as { event_id: string };
        if (answer.status !== 200) throw new Error(`${raw} was answered ${JSON.stringify(said)}`);
        byEvent.set(said.event_id, { sent: fields, raw });
      }),
    );
  }
  // On a busy machine some wait in the spool for the event store: the last incident may not be there yet.
  const distinct = new Set(all.map(({ incident_id }) => incident_id));
  let incidents: readonly IncidentItem[] = [];
  await waitFor(
    async () => {
      incidents = await every<IncidentItem>(`/api/projects/${project}/incidents`);
      return incidents.reduce((sum, { webhooks: count }) => sum + count, 0) >= all.length;
    },
    60_000,
    () => `Of ${distinct.size} incidents ${incidents.length} are shown.`,
  );

  const replay = await checkedFetch(`${service.url}/api/projects/${project}/replay`, {
    headers: { "X-API-Key": key },
  });
  const events = (await replay.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { event_id: string; data: Record<string, string> });
  expect(events.length).toBe(byEvent.size);
  for (const { event_id, data } of events) {
    const { sent: fields, raw } = byEvent.get(event_id) ?? { sent: {}, raw: "" };
    for (const [name, value] of Object.entries(fields)) {
      expect([event_id, name, data[name]]).toEqual([event_id, name, value]);
    }
    expect(data.payload).toBe(raw);
  }

  const shown = incidents.map(({ incident_id }) => incident_id).sort();
  expect(shown).toEqual([...distinct].map(normalForm).sort());
  const letters = await service.json<{ items: unknown[] }>("GET", "/api/admin/dead-letters", {
    key: adminKey,
  });
  expect(letters.items).toEqual([]);

  let looked = 0;
  for (const fields of all.slice(0, 300)) {
    const { incident_id } = fields;
    if (!incident_id.isWellFormed() || incident_id === "." || incident_id === "..") continue;
    const path = `/api/projects/${project}/incidents/${encodeURIComponent(incident_id)}`;
    const items = await service.json<Page<TimelineItem>>("GET", `${path}/timeline?limit=500`, { key });
    const same = all.filter((other) => other.incident_id === incident_id);
    for (const name of ["message", "local_time", "timezone", "status"] as const) {
      const stored = items.items.map(
        (item) => (item as unknown as Record<string, string | null>)[name] ?? null,
      );
      const expected = same.map((other) => (other[name] === undefined ? null : normalForm(other[name])));
      expect([incident_id, name, ...stored.sort()]).toEqual([incident_id, name, ...expected.sort()]);
    }
    looked++;
  }
  console.log(
    `S6: ${all.length} webhooks of any text, answered ${[...statuses].map(([status, n]) => `${status} ${n} times`).join(", ")}; ${events.length} events exact, ${shown.length} incidents and ${looked} timelines in normal form, ${letters.items.length} dead letters`,
  );
  report.tried({ webhooks: all.length, timelines: looked });
  report.found({
    statuses,
    exactEvents: events.length,
    incidents: shown.length,
    deadLetters: letters.items.length,
  });
  expect(looked).toBeGreaterThan(100);
}, 180_000);

test("S6: texts that only look alike are kept apart", async (report) => {
  const alike = [
    ["é", "e\u0301"],
    ["\u212b", "\u00c5"],
    ["a\0", "a␀"],
    ["b\ud800", "b\ufffd", "b\udbff"],
    ["K", "\u212a"],
    [" x", "x", "x ", "X"],
    ["c\u200b", "c"],
  ].map((group) => group.map((text) => `alike${text}`));
  for (const group of alike) {
    for (const incident_id of group) {
      await service.json("POST", "/api/incidents/webhook/", {
        key,
        body: {
          incident_id,
          project_uuid: project,
          status: "DOWN",
          incident_time: "2024-01-15T10:30:00Z",
          monitor_id: "alike",
        },
      });
    }
  }
  const path = `/api/projects/${project}/incidents?monitor_id=alike&limit=500`;
  let found: Page<IncidentItem> = { items: [], next_cursor: null };
  await waitFor(
    async () => {
      found = await service.json("GET", path, { key });
      return found.items.length >= alike.flat().length;
    },
    20_000,
    () => `Only ${JSON.stringify(found.items.map(({ incident_id }) => incident_id))} are there.`,
  );
  report.tried({ incidents: alike.flat().length });
  report.found({ incidents: found.items.length });
  expect(found.items.map(({ incident_id }) => incident_id).sort()).toEqual(
    alike.flat().map(normalForm).sort(),
  );
}, 60_000);
