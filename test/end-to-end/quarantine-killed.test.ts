// Payloads that were answered as kept lie in the quarantine, and a payload that is read again is recorded once, whenever
// the service is killed.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";

let service: RunningService;
let project: string;
let key: string;

beforeAll(async () => {
  service = await startService();
  ({ project, key } = await registerProject(service));
}, 120_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(service.dataDir);
}, 60_000);

interface Kept {
  readonly payload: string;
  readonly state: string;
  readonly answer: { readonly status: number } | null;
}

async function quarantine(): Promise<readonly Kept[]> {
  const all: Kept[] = [];
  for (let cursor = ""; ; ) {
    const path = `/api/projects/${project}/quarantine?limit=500&fresh=true${cursor}`;
    const page = await service.json<{ items: Kept[]; next_cursor: string | null }>("GET", path, { key });
    all.push(...page.items);
    if (page.next_cursor === null) return all;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

async function killAndRestart(): Promise<void> {
  await end(service.child, "SIGKILL");
  service = await startService({ dataDir: service.dataDir });
}

test("every body whose 400 or 404 was heard is kept, with that answer", async () => {
  const heard = new Map<string, number>();
  for (const round of [1, 2, 3]) {
    let next = 0;
    let isKilled = false;
    const sender = async (): Promise<void> => {
      while (!isKilled && next < 5_000) {
        const place = next++;
        const body = JSON.stringify({
          incident_id: `${round}-${place}`,
          project_uuid: place % 2 === 0 ? project : "nowhere",
          status: "DOWN",
          incident_time: place % 2 === 0 ? "soon" : "2025-01-15T10:30:00Z",
        });
        const answer = await checkedFetch(`${service.url}/api/incidents/webhook/`, {
          method: "POST",
          headers: { "X-API-Key": key },
          body,
        }).catch(() => undefined);
        if (answer !== undefined) heard.set(body, answer.status);
      }
    };
    const before = heard.size;
    const sending = Array.from({ length: 16 }, sender);
    for (const until = Date.now() + 10_000; heard.size < before + 60 * round && Date.now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    isKilled = true;
    await end(service.child, "SIGKILL");
    await Promise.all(sending);
    service = await startService({ dataDir: service.dataDir });
  }
  expect(heard.size).toBeGreaterThan(300);
  expect(new Set(heard.values())).toEqual(new Set([400, 404]));
  const kept = new Map((await quarantine()).map(({ payload, answer }) => [payload, answer?.status]));
  const lost = [...heard].filter(([body, status]) => kept.get(body) !== status);
  expect(lost).toEqual([]);
}, 120_000);

test("a mapping that is cut off in the middle of reading again is continued, each payload once", async () => {
  const many = 400;
  const alert = (place: number) => ({
    version: "4",
    groupKey: "{}",
    receiver: "web",
    status: "firing",
    alerts: [
      {
        status: "wobbly",
        labels: { alertname: "Full" },
        annotations: {},
        startsAt: "2025-01-15T10:30:00Z",
        fingerprint: `lamp-${place}`,
      },
    ],
  });
  const sent = Array.from({ length: many }, (_, place) =>
    service.post("/api/incidents/webhook/alertmanager", key, alert(place)),
  );
  expect(new Set((await Promise.all(sent)).map(({ body }) => body.quarantined))).toEqual(new Set([1]));
  const map = () =>
    service.json("PATCH", `/api/projects/${project}/status-mappings`, {
      key: adminKey,
      body: { WOBBLY: "ALERT" },
    });
  const recorded = async () =>
    (await quarantine()).filter(({ payload, state }) => payload.includes("wobbly") && state === "recorded")
      .length;
  const cutOff = map().catch(() => undefined);
  for (const until = Date.now() + 10_000; (await recorded()) === 0 && Date.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all([killAndRestart(), cutOff]);
  const half = await recorded();
  await map();
  expect(half).toBeGreaterThan(0);
  // Reading that takes longer than the answer waits goes on behind it.
  await waitFor(
    async () => (await recorded()) === many,
    30_000,
    () => "not all payloads were read again",
  );
  const { open } = await service.json<{ open: number }>("GET", `/api/projects/${project}/mttr?fresh=true`, {
    key,
  });
  expect(open).toBe(many);
  const { items } = await service.json<{ items: object[] }>(
    "GET",
    `/api/projects/${project}/sources?fresh=true`,
    { key },
  );
  expect(items).toMatchObject([
    { source: "alertmanager", recorded: many, quarantined: many },
    { source: "contract", recorded: 0 },
  ]);
  process.stderr.write(`cut off: ${half} of ${many} were recorded at the kill\n`);
}, 120_000);
