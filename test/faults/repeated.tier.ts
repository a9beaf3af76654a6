// Every webhook one to five times, concurrently and across kills and restarts: one event, one record, the same answer,
// and figures that do not change.

import { expect } from "bun:test";
import { storeProcess } from "../eventstore/adapter-store.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { createTestDatabase } from "../postgres.ts";
import { end, removeDataDir, startService } from "../running-service.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { openConnection } from "./connection.ts";
import { registerPatiently } from "./register-patiently.ts";
import type { Random } from "./seed.ts";
import { noneSent, postWebhook, type Sent, sentLine } from "./senders.ts";

const different = 600;
const { random, test } = reportedTests(import.meta.path);

for (const ack of ["store", "spool"]) {
  test(`${different} webhooks, repeated, with ACK=${ack}`, async (report) => {
    const [store, database] = await Promise.all([storeProcess(), createTestDatabase()]);
    const urls = { eventstoreUrl: store.url, databaseUrl: database.url };
    const env = { EVENTSTORE_URL: store.url, DATABASE_URL: database.url, ACK: ack };
    let service = await startService({ env });
    const { port, dataDir } = service;
    const { project, key } = await registerPatiently(service);
    const sent = noneSent();
    const bodies = Array.from({ length: different }, (_, n) => bodyOf(project, n));
    const restart = async (signal: NodeJS.Signals): Promise<void> => {
      await end(service.child, signal);
      service = await startService({ dataDir, port, env });
    };
    const sendAll = async (some: readonly string[], restarts: readonly NodeJS.Signals[]): Promise<void> => {
      const left = shuffled(some, random);
      const every = Math.floor(left.length / (restarts.length + 1));
      const sending = Promise.all(
        Array.from({ length: 16 }, () => sendUntilTaken(left, { port, key, sent })),
      );
      for (const [index, signal] of restarts.entries()) {
        while (left.length > some.length - every * (index + 1)) await new Promise((r) => setTimeout(r, 5));
        await restart(signal);
      }
      await sending;
    };

    await sendAll(
      bodies.flatMap((body) => Array.from({ length: 1 + random.below(5) }, () => body)),
      ["SIGKILL", "SIGTERM", "SIGKILL"],
    );
    const first = await check({ ...urls, project, sent });
    const before = await service.json<object>("GET", `/api/projects/${project}/mttr`, { key });
    const ids = [...sent.acknowledged.keys()].sort();
    await sendAll(bodies, ["SIGKILL"]);
    const second = await check({ ...urls, project, sent });
    const after = await service.json<object>("GET", `/api/projects/${project}/mttr`, { key });
    console.log(`  ACK=${ack}: ${sentLine(sent)}`);
    console.log(`  ${checkLine(first)}\n  ${checkLine(second)}\n  mttr ${JSON.stringify(after)}`);
    await service.stop();
    await removeDataDir(dataDir);
    await database.drop();
    await store.remove();
    report.tried({ webhooks: different, requests: sent.byStatus });
    report.found(second);
    expect(faultsIn(first)).toBe(0);
    expect(faultsIn(second)).toBe(0);
    expect(first.events).toBe(different);
    expect(second.events).toBe(different);
    // The same webhook has the same event id in each of its answers.
    expect([...sent.acknowledged.keys()].sort()).toEqual(ids);
    expect(ids.length).toBe(different);
    expect({ ...after, position: 0 }).toEqual({ ...before, position: 0 });
  }, 180_000);
}

/** Each until it is acknowledged, as senders do that try again. */
async function sendUntilTaken(
  left: string[],
  to: { readonly port: number; readonly key: string; readonly sent: Sent },
): Promise<void> {
  const connection = openConnection(to.port);
  const until = Date.now() + 120_000;
  for (let body = left.pop(); body !== undefined; body = left.pop()) {
    while (!(await postWebhook(connection, to.key, body, to.sent))) {
      if (Date.now() > until) throw new Error("A webhook was not taken within 120 s");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  connection.close();
}

const bodyOf = (project: string, n: number): string =>
  JSON.stringify({
    incident_id: `incident-${Math.floor(n / 4)}`,
    project_uuid: project,
    status: n % 2 === 0 ? "DOWN" : "UP",
    incident_time: new Date(Date.UTC(2025, 0, 15) + n * 1000).toISOString(),
    message: `webhook ${n}`,
  });

function shuffled<T>(list: readonly T[], chance: Random): T[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = chance.below(at + 1);
    const [a, b] = [result[at], result[other]];
    if (a === undefined || b === undefined) continue;
    result[at] = b;
    result[other] = a;
  }
  return result;
}
