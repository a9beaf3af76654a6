// kill -9 at any moment of the very first start: the next start on the same directory works, takes a webhook and shows it.

import { expect } from "bun:test";
import { setTimeout as pause } from "node:timers/promises";
import { reportedTests } from "../gate/reported-test.ts";
import { setting } from "../gate/run-settings.ts";
import {
  end,
  launch,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";
import { spreadLine } from "./figures.ts";

const kills = Math.min(50, setting("FAULT_KILLS", 50));
const { random, test } = reportedTests(import.meta.path);

test(`the first start, killed ${kills} times`, async (report) => {
  const wholeMs = await timeOfFirstStart();
  const killedAfterMs: number[] = [];
  const readyMs: number[] = [];
  for (let n = 0; n < kills; n++) {
    const dataDir = await temporaryDataDir();
    try {
      // Spread over the whole start, with chance in between.
      const killAfterMs = Math.floor(((n + random.below(100) / 100) / kills) * wholeMs);
      const first = launch({ dataDir, env: { ADMIN_API_KEY: "" } });
      await pause(killAfterMs);
      await end(first.child, "SIGKILL");
      killedAfterMs.push(killAfterMs);
      const startedAt = performance.now();
      const service = await startService({ dataDir });
      readyMs.push(performance.now() - startedAt);
      const { project, key } = await registerProject(service);
      const body = webhook(project, "first", "DOWN", "2025-01-15T10:30:00Z");
      expect((await service.post("/api/incidents/webhook/", key, body)).status).toBe(200);
      await waitFor(
        async () => (await service.get(`/api/projects/${project}/mttr`, key)).body.open === 1,
        30_000,
        service.output,
      );
      await end(service.child, "SIGKILL");
    } finally {
      await removeDataDir(dataDir);
    }
  }
  console.log(`  killed after ${Math.min(...killedAfterMs)} to ${Math.max(...killedAfterMs)} ms`);
  console.log(`  ${spreadLine("first start: ready after the kill", readyMs)}`);
  report.tried({ kills });
  report.found({ startedAgain: readyMs.length });
  report.figures({ slowestReadyMs: Math.max(...readyMs) });
  expect(readyMs).toHaveLength(kills);
}, 1_200_000);

async function timeOfFirstStart(): Promise<number> {
  const dataDir = await temporaryDataDir();
  const startedAt = performance.now();
  const service = await startService({ dataDir });
  const wholeMs = performance.now() - startedAt;
  await end(service.child, "SIGKILL");
  await removeDataDir(dataDir);
  return wholeMs;
}
