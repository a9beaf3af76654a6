// While the event store does not answer, webhooks are acknowledged from the spool, and none of them is lost.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "../../src/answers/field.ts";
import type { IncidentItem } from "../../src/answers/incidents.ts";
import {
  end,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
} from "../running-service.ts";

let dataDir: string;
let service: RunningService;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  service = await startService({ dataDir });
}, 90_000);
afterAll(async () => {
  await service.stop();
  await removeDataDir(dataDir);
}, 30_000);

const eventStorePid = (): number =>
  (JSON.parse(readFileSync(join(dataDir, "eventstore", "process.json"), "utf8")) as { pid: number }).pid;

test("a frozen event store costs no webhook, across a kill of the service, and each is recorded once", async () => {
  const { project, key } = await registerProject(service);
  const send = async (n: number): Promise<string> => {
    const answer = await service.json<{ durability: string }>("POST", "/api/incidents/webhook/", {
      key,
      body: {
        incident_id: `spooled-${n}`,
        project_uuid: project,
        status: "DOWN",
        incident_time: "2025-01-15T10:30:00Z",
      },
    });
    return answer.durability;
  };
  expect(await send(0)).toBe("stored");
  const frozen = eventStorePid();
  process.kill(frozen, "SIGSTOP");
  const acknowledged = await Promise.all(Array.from({ length: 20 }, (_, n) => send(n)));
  expect(new Set(acknowledged)).toEqual(new Set(["spooled"]));

  await end(service.child, "SIGKILL");
  process.kill(frozen, "SIGCONT");
  service = await startService({ dataDir, port: service.port });
  // Until the read model has been made for the first time it cannot be asked.
  const recorded = async (): Promise<readonly IncidentItem[]> => {
    const page = await service.get(`/api/projects/${project}/incidents?limit=100`, key);
    return page.status === 200 ? (page.body as unknown as Page<IncidentItem>).items : [];
  };
  await waitFor(
    async () => (await recorded()).length === 20,
    20_000,
    () => `Not everything was recorded:\n${service.output()}`,
  );
  expect((await recorded()).map(({ webhooks }) => webhooks)).toEqual(Array.from({ length: 20 }, () => 1));
}, 120_000);
