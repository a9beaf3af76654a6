// Webhooks that tools really sent, from the webhook to the figure: a file of cases/ each. Seen in public
// reports of tools that lost such a recovery, paired it wrongly or took the wrong time.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  webhook,
} from "../running-service.ts";

interface Send {
  /** The path behind /api/incidents/webhook/; empty: the contract's route. */
  readonly to: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly encoding?: "latin-1" | "utf-8-sig" | "utf-16";
  readonly body?: unknown;
  /** Instead of a body: text that is no JSON. */
  readonly text?: string;
  /** Fields of the answer, which has more. */
  readonly answer: Readonly<Record<string, unknown>>;
}

interface Case {
  readonly title: string;
  readonly sends: readonly Send[];
  readonly outages?: readonly Outage[];
  readonly mttr?: Readonly<Record<string, unknown>>;
}

interface Outage {
  readonly incident_id: string;
  readonly state: "recovered" | "open" | "dismissed";
  readonly first_alert_at: string;
  readonly ended_at: string | null;
  readonly recovery_seconds: number | null;
}

interface Sender {
  readonly project: string;
  readonly key: string;
}

let service: RunningService;
beforeAll(async () => {
  service = await startService();
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 30_000);

const directory = join(import.meta.dirname, "cases");
for (const file of readdirSync(directory)) {
  const told = JSON.parse(readFileSync(join(directory, file), "utf8")) as Case;
  test(told.title, async () => {
    const sender = await registerProject(service);
    for (const send of told.sends) expect(await sent(send, sender)).toMatchObject(send.answer);
    if (told.outages !== undefined) expect(await outagesOf(sender)).toEqual([...told.outages]);
    if (told.mttr !== undefined) expect(await read(sender, "mttr")).toMatchObject(told.mttr);
  }, 30_000);
}

test("a comment moves neither clock: the recovery counts from the problem's beginning", async () => {
  const sender = await registerProject(service);
  const { sends } = JSON.parse(readFileSync(join(directory, "comment-on-a-problem.json"), "utf8")) as Case;
  const [began, commented, ended] = sends;
  if (began === undefined || commented === undefined || ended === undefined) throw new Error("three sends");
  await sent(began, sender);
  const commentedAfter = Date.now() + 300;
  while (Date.now() < commentedAfter) await new Promise((resolve) => setTimeout(resolve, 20));
  await sent(commented, sender);
  await sent(ended, sender);
  const { items } = (await read(sender, "pairs")) as {
    readonly items: readonly { readonly recovery_seconds: number; readonly outage_seconds: number }[];
  };
  expect(items).toHaveLength(1);
  expect(items[0]?.recovery_seconds).toBeGreaterThanOrEqual(0.3);
  expect(items[0]?.recovery_seconds).toBe(items[0]?.outage_seconds ?? 0);
});

test("days and weeks are those of the zone across the night in which its clock changes", async () => {
  const sender = await registerProject(service);
  const outages = [
    ["2025-10-25T21:50:00Z", "2025-10-25T22:10:00Z"],
    ["2025-10-26T00:20:00Z", "2025-10-26T00:30:00Z"],
    ["2025-10-26T01:20:00Z", "2025-10-26T01:30:00Z"],
    ["2025-10-26T22:30:00Z", "2025-10-26T22:55:00Z"],
    ["2025-10-26T22:50:00Z", "2025-10-26T23:05:00Z"],
    ["2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00"],
  ] as const;
  for (const [index, [down, up]] of outages.entries()) {
    for (const [status, time] of [
      ["DOWN", down],
      ["UP", up],
    ] as const) {
      await sent({ to: "", body: webhook("$PROJECT", `d${index + 1}`, status, time), answer: {} }, sender);
    }
  }
  const groups = async (by: string) => {
    const answer = (await read(sender, `mttr?group_by=${by}&tz=Europe/Berlin`)) as {
      readonly groups: readonly { readonly key: string; readonly n: number }[];
    };
    return answer.groups.filter(({ n }) => n > 0).map(({ key, n }) => [key, n]);
  };
  expect(await groups("day")).toEqual([
    ["2025-10-26", 5],
    ["2025-10-27", 1],
  ]);
  expect(await groups("week")).toEqual([
    ["2025-W43", 5],
    ["2025-W44", 1],
  ]);
  expect(await outagesOf(sender)).toContainEqual(
    expect.objectContaining({ incident_id: "d6", recovery_seconds: 3600 }),
  );
});

test("130 outages that end at one instant are 130 on three pages", async () => {
  const sender = await registerProject(service);
  const times = Array.from({ length: 130 }, (_, n) => new Date(Date.UTC(2025, 6, 1, 10, n)).toISOString());
  const send = (status: string, time: (n: number) => string) =>
    Promise.all(
      times.map((_, n) =>
        sent({ to: "", body: webhook("$PROJECT", `m${n}`, status, time(n)), answer: {} }, sender),
      ),
    );
  await send("DOWN", (n) => times[n] ?? "");
  await send("UP", () => "2025-07-01T13:00:00Z");
  for (const list of ["pairs", "incidents"]) {
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ""; cursor !== null; pages++) {
      const page = (await read(
        sender,
        `${list}?limit=50${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
      )) as {
        readonly items: readonly { readonly incident_id: string }[];
        readonly next_cursor: string | null;
      };
      seen.push(...page.items.map(({ incident_id }) => incident_id));
      cursor = page.next_cursor;
    }
    expect([list, pages, seen.length, new Set(seen).size]).toEqual([list, 3, 130, 130]);
  }
}, 60_000);

test("the position of a webhook that went into the quarantine can be waited for", async () => {
  const sender = await registerProject(service);
  const answer = await sent({ to: "auto", body: { hello: "nobody knows me" }, answer: {} }, sender);
  expect(answer).toMatchObject({ quarantined: 1 });
  expect(await read(sender, `mttr?min_position=${answer.position}`)).toMatchObject({ n: 0 });
});

test("a key is rotated without a gap: both work, the old one ends at once, what it sent stays", async () => {
  const { project, key } = await registerProject(service);
  const issued = await service.json<{ key: string; key_id: string }>(
    "POST",
    `/api/projects/${project}/keys`,
    {
      key: adminKey,
      body: { label: "next", scopes: ["ingest", "read"] },
    },
  );
  const [before, after] = [
    { project, key },
    { project, key: issued.key },
  ];
  const send = (sender: Sender, id: string, status: string) =>
    sent({ to: "", body: webhook("$PROJECT", id, status, "2025-01-15T10:30:00Z"), answer: {} }, sender);
  expect(await send(before, "a", "DOWN")).toMatchObject({ success: true });
  expect(await send(after, "b", "DOWN")).toMatchObject({ success: true });
  const quarantined = await sent({ to: "auto", body: { state: "odd" }, answer: {} }, before);
  expect(quarantined).toMatchObject({ quarantined: 1 });
  const keys = (await service.get(`/api/projects/${project}/keys`, adminKey)).body as {
    readonly items?: readonly { readonly key_id: string; readonly label: string }[];
  };
  const old = keys.items?.find(({ label }) => label === "tests");
  const revoked = await checkedFetch(`${service.url}/api/projects/${project}/keys/${old?.key_id}`, {
    method: "DELETE",
    headers: { "X-API-Key": adminKey },
  });
  expect(revoked.ok).toBe(true);
  expect(await send(before, "a", "UP")).toMatchObject({ success: false, error: "Invalid API key" });
  expect(await send(after, "a", "UP")).toMatchObject({ success: true });
  expect((await outagesOf(after)).map(({ incident_id, state }) => [incident_id, state])).toEqual([
    ["a", "recovered"],
    ["b", "open"],
  ]);
  const kept = (await service.get(`/api/projects/${project}/quarantine?fresh=true`, adminKey)).body;
  expect(kept.items).toHaveLength(1);
});

async function sent(send: Send, { project, key }: Sender): Promise<Readonly<Record<string, unknown>>> {
  const text = (send.text ?? JSON.stringify(send.body)).replaceAll("$PROJECT", project);
  const query = send.query === undefined ? "" : `?${new URLSearchParams(send.query)}`;
  const answer = await checkedFetch(`${service.url}/api/incidents/webhook/${send.to}${query}`, {
    method: "POST",
    headers: { "X-API-Key": key, "Content-Type": "application/json", ...send.headers },
    body: encoded(text, send.encoding),
  });
  return (await answer.json()) as Record<string, unknown>;
}

function encoded(text: string, encoding: Send["encoding"]): Buffer {
  switch (encoding) {
    case undefined:
      return Buffer.from(text);
    case "latin-1":
      return Buffer.from(text, "latin1");
    case "utf-8-sig":
      return Buffer.from(`\uFEFF${text}`);
    case "utf-16":
      return Buffer.from(`\uFEFF${text}`, "utf16le");
    default:
      return encoding satisfies never;
  }
}

async function read({ project, key }: Sender, path: string): Promise<Readonly<Record<string, unknown>>> {
  const wait = path.includes("min_position=") ? "" : `${path.includes("?") ? "&" : "?"}fresh=true`;
  const { status, body } = await service.get(`/api/projects/${project}/${path}${wait}`, key);
  expect(status).toBe(200);
  return body;
}

/** All of them, by their beginning. */
async function outagesOf(sender: Sender): Promise<Outage[]> {
  const states = ["recovered", "open", "dismissed"] as const;
  const pages = await Promise.all(states.map((state) => read(sender, `pairs?limit=200&state=${state}`)));
  type Item = Omit<Outage, "state" | "ended_at"> & {
    readonly recovered_at: string | null;
    readonly dismissed_at: string | null;
  };
  const outages = pages.flatMap((page, at) =>
    (page.items as readonly Item[]).map((item) => ({
      incident_id: item.incident_id,
      state: states[at] ?? "open",
      first_alert_at: item.first_alert_at,
      ended_at: item.recovered_at ?? item.dismissed_at,
      recovery_seconds: item.recovery_seconds,
    })),
  );
  return outages.sort((a, b) =>
    a.first_alert_at === b.first_alert_at
      ? a.incident_id.localeCompare(b.incident_id)
      : a.first_alert_at < b.first_alert_at
        ? -1
        : 1,
  );
}
