// What was acknowledged can be waited for: by its position, whatever became of it, or with fresh=true, also where it was
// spooled.

import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "../../src/answers/field.ts";
import type { IncidentDetail, IncidentItem, MttrAnswer, PairItem } from "../../src/answers/incidents.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  adminKey,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";

const services: RunningService[] = [];
async function startWith(env: Readonly<Record<string, string>>) {
  const service = await startService({ dataDir: await temporaryDataDir(), env });
  services.push(service);
  return { service, ...(await registerProject(service)) };
}
type Started = Awaited<ReturnType<typeof startWith>>;
afterAll(async () => {
  for (const service of services) {
    await service.stop();
    await removeDataDir(service.dataDir);
  }
}, 60_000);

async function metric(service: RunningService, name: string): Promise<bigint> {
  const text = await (await checkedFetch(`${service.url}/metrics`)).text();
  return BigInt(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? "-1");
}

test("a quarantined webhook's position is reached by every read route, and nothing lags behind it", async () => {
  const { service, project, key } = await startWith({});
  for (let n = 0; n < 2; n += 1) {
    const { position, ...kept } = await service.json<{ position: string; quarantined: number }>(
      "POST",
      "/api/incidents/webhook/auto",
      { key, body: { hello: `nobody knows me, ${n}` } },
    );
    expect(kept.quarantined).toBe(1);
    for (const path of ["mttr", "pairs", "incidents", "replay", "quarantine"]) {
      const answer = await service.get(`/api/projects/${project}/${path}?min_position=${position}`, key);
      expect([path, answer.status]).toEqual([path, 200]);
    }
    await waitFor(
      async () =>
        (await metric(service, "ledger_projector_position")) >= BigInt(position) &&
        (await metric(service, "ledger_projector_lag_bytes")) === 0n,
      20_000,
      () => `The lag does not come to 0:\n${service.output()}`,
    );
  }
}, 120_000);

describe("with ACK=spool", () => {
  let started: Promise<Started> | undefined;
  const start = (): Promise<Started> => {
    started ??= startWith({ ACK: "spool" });
    return started;
  };
  const outages = 15;

  /** Outages of one incident, sent at once; resolves when all are acknowledged. */
  async function burst({ service, project, key }: Started, incident: string): Promise<void> {
    const minute = (n: number) => `2025-01-15T10:${String(n).padStart(2, "0")}:00Z`;
    const answers = await Promise.all(
      Array.from({ length: 2 * outages }, (_, n) =>
        service.json<{ durability: string }>("POST", "/api/incidents/webhook/", {
          key,
          body: webhook(project, incident, n % 2 === 0 ? "DOWN" : "UP", minute(n)),
        }),
      ),
    );
    expect(new Set(answers.map(({ durability }) => durability))).toEqual(new Set(["spooled"]));
  }
  const read = <T>({ service, project, key }: Started, path: string): Promise<T> =>
    service.json<T>("GET", `/api/projects/${project}/${path}`, { key });
  async function lines({ service, project, key }: Started, path: string): Promise<number> {
    const answer = await service.get(`/api/projects/${project}/${path}`, key);
    expect(answer.status).toBe(200);
    return String(answer.body.text).split("\n").length - 1;
  }

  /** How many of the burst's signals, or outages, an answer of each read route shows. */
  const shown: readonly (readonly [
    string,
    (from: Started, incident: string) => Promise<unknown>,
    unknown,
  ])[] = [
    [
      "incidents",
      async (from, incident) => {
        const { items } = await read<Page<IncidentItem>>(from, "incidents?limit=500&fresh=true");
        return items.find(({ incident_id }) => incident_id === incident)?.outages;
      },
      outages,
    ],
    [
      "an incident",
      async (from, incident) =>
        (await read<IncidentDetail>(from, `incidents/${incident}?fresh=true`)).outages.length,
      outages,
    ],
    [
      "a timeline",
      async (from, incident) =>
        (await read<Page<unknown>>(from, `incidents/${incident}/timeline?limit=500&fresh=true`)).items.length,
      2 * outages,
    ],
    [
      "pairs",
      async (from, incident) =>
        (await read<Page<PairItem>>(from, `pairs?limit=500&incident_id=${incident}&fresh=true`)).items.length,
      outages,
    ],
    [
      "mttr",
      async (from, incident) => {
        const { groups = [] } = await read<MttrAnswer>(from, "mttr?group_by=incident&fresh=true");
        return groups.find((group) => group.key === incident)?.n;
      },
      outages,
    ],
    [
      "an incident's replay",
      (from, incident) => lines(from, `incidents/${incident}/replay?fresh=true`),
      2 * outages,
    ],
  ];
  for (const [name, show, expected] of shown)
    test(`${name} with fresh=true shows a whole burst at once`, async () => {
      const from = await start();
      const incident = `burst of ${name}`.replaceAll(/[^a-z]/g, "-");
      await burst(from, incident);
      expect(await show(from, incident)).toEqual(expected);
    }, 120_000);

  test("a project's replay too, and its quarantine", async () => {
    const from = await start();
    const before = await lines(from, "replay?fresh=true");
    await burst(from, "burst-of-replay");
    expect(await lines(from, "replay?fresh=true")).toBe(before + 2 * outages);
    const { service, key } = from;
    const kept = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        service.json<{ quarantine_id: string }>("POST", "/api/incidents/webhook/auto", { key, body: { n } }),
      ),
    );
    const { items } = await read<Page<{ quarantine_id: string }>>(from, "quarantine?limit=500&fresh=true");
    expect(new Set(items.map(({ quarantine_id }) => quarantine_id))).toEqual(
      new Set(kept.map(({ quarantine_id }) => quarantine_id)),
    );
  }, 120_000);

  test("a change of the status mapping shows too", async () => {
    const from = await start();
    const { service, project, key } = from;
    await service.json("POST", "/api/incidents/webhook/", {
      key,
      body: webhook(project, "mapped", "WOBBLY", "2025-01-15T10:00:00Z"),
    });
    const state = async () => (await read<IncidentDetail>(from, "incidents/mapped?fresh=true")).state;
    expect(await state()).toBe("unmapped");
    for (const [kind, expected] of [
      ["ALERT", "open"],
      ["RECOVERY", "orphan"],
      ["ALERT", "open"],
    ] as const) {
      await service.json("PUT", `/api/projects/${project}/status-mappings`, {
        key: adminKey,
        body: { WOBBLY: kind },
      });
      expect(await state()).toBe(expected);
    }
  }, 120_000);

  test("while the event store is away, what was spooled is a 503 after the bound, and nothing else waits", async () => {
    const from = await start();
    const { service, project, key } = from;
    const before = await read<MttrAnswer>(from, "mttr?fresh=true");
    const file = join(service.dataDir, "eventstore", "process.json");
    const { pid } = JSON.parse(readFileSync(file, "utf8")) as { pid: number };
    process.kill(pid, "SIGSTOP");
    try {
      await burst(from, "while-away");
      const answered: string[] = [];
      const ask = async (path: string) => {
        const answer = await service.get(`/api/projects/${project}/${path}`, key);
        answered.push(path);
        return answer;
      };
      const since = performance.now();
      const [late, lateReplay, other] = await Promise.all(
        (["mttr?fresh=true", "replay?fresh=true", "mttr"] as const).map(ask),
      );
      // The bound is 5 s.
      expect(performance.now() - since).toBeGreaterThan(4_500);
      expect(answered[0]).toBe("mttr");
      for (const answer of [late, lateReplay]) {
        expect(answer?.status).toBe(503);
        expect(answer?.body.details).toBe("Not everything that was acknowledged is in the event store yet.");
      }
      expect(other?.body).toMatchObject({ n: before.n });
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await waitFor(
      async () =>
        (await service.get(`/api/projects/${project}/mttr?fresh=true`, key)).body.n === before.n + outages,
      30_000,
      () => `Not everything was recorded:\n${service.output()}`,
    );
  }, 120_000);
});
