// Backed up under load, killed, restored elsewhere: everything acknowledged before the last backup is there, once, and
// timelines, pairs and figures are those of the first service.

import { afterAll, expect } from "bun:test";
import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { runCommand } from "../commands.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";
import { checkedFetch } from "../http/answer-check.ts";
import {
  end,
  type RunningService,
  removeDataDir,
  startService,
  temporaryDataDir,
} from "../running-service.ts";
import { killLeftOn } from "../service-processes.ts";
import { check, checkLine, faultsIn } from "./checker.ts";
import { embeddedUrls } from "./embedded-urls.ts";
import { registerPatiently } from "./register-patiently.ts";
import { noneSent, type Sent, sentLine, startSenders } from "./senders.ts";

const { random, test } = reportedTests(import.meta.path);
const cleanUps: (() => Promise<void> | void)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}, 120_000);

for (const ack of ["store", "spool"] as const) {
  test(`with ACK=${ack}`, (report) => drill(ack, report), 600_000);
}

async function drill(ack: "store" | "spool", report: Report): Promise<void> {
  const [dataDir, elsewhere, dir] = [
    await temporaryDataDir(),
    await temporaryDataDir(),
    await temporaryDataDir(),
  ];
  cleanUps.push(() => rmSync(dir, { recursive: true, force: true }));
  for (const one of [dataDir, elsewhere]) cleanUps.push(() => removeDataDir(one));
  const first = await startService({ dataDir, env: { ACK: ack } });
  cleanUps.push(() => void first.child.kill("SIGKILL"));
  const [quiet, loud] = [await registerPatiently(first), await registerPatiently(first)];

  // One project falls silent before the last backup, the other is written to until the end.
  const silent = noneSent();
  await sendFor(first, quiet, silent, 4_000);
  const sent = noneSent();
  const chance = random.fork(`loud ${ack}`);
  const senders = startSenders({ ...loud, port: first.port, concurrency: 12, random: chance }, sent);
  const backUp = () => runCommand("backup", { dataDir, args: [dir] });
  await pause(1_500);
  expect(await backUp()).toMatchObject({ code: 0 });
  await pause(1_500);
  const before = new Map(sent.acknowledged);
  const last = await backUp();
  expect(last.code).toBe(0);
  console.log(`  ${ack}: ${last.stdout.split("\n")[1]}`);
  await pause(300);
  killLeftOn(dataDir);
  await end(first.child, "SIGKILL");
  await senders.stop();
  console.log(`  ${ack}: ${sentLine(sent)}; before the last backup ${before.size}`);

  const restored = await runCommand("restore", { dataDir: elsewhere, args: [dir] });
  expect(restored).toMatchObject({ code: 0 });
  console.log(`  ${ack}: ${restored.stdout.split("\n")[0]}`);
  const second = await startService({ dataDir: elsewhere });
  cleanUps.push(() => void second.child.kill("SIGKILL"));
  for (const [project, acknowledged, bodies] of [
    [quiet.project, silent.acknowledged, silent.bodies],
    [loud.project, before, sent.bodies],
  ] as const) {
    const found = await check({ ...embeddedUrls(elsewhere), project, sent: { acknowledged, bodies } });
    console.log(`  ${ack}: ${checkLine(found)}`);
    report.found(found);
    expect(faultsIn(found)).toBe(0);
    expect(found.outages).toBeGreaterThan(0);
  }

  const again = await startService({ dataDir });
  cleanUps.push(() => void again.child.kill("SIGKILL"));
  await check({ ...embeddedUrls(dataDir), project: quiet.project, sent: silent });
  const original = await shownOf(again, quiet);
  report.tried({ acknowledged: silent.acknowledged.size + before.size });
  expect(original.ids.length).toBe(silent.acknowledged.size);
  expect(await shownOf(second, quiet)).toEqual(original);
  console.log(
    `  ${ack}: ${original.ids.length} ids, ${original.timelines.length} timelines and the figures are equal`,
  );
  await Promise.all([end(again.child, "SIGKILL"), end(second.child, "SIGKILL")]);
}

interface Account {
  readonly project: string;
  readonly key: string;
}

async function sendFor(service: RunningService, account: Account, into: Sent, ms: number): Promise<void> {
  const senders = startSenders(
    { ...account, port: service.port, concurrency: 6, perSecond: 100, random: random.fork("silent") },
    into,
  );
  await pause(ms);
  await senders.stop();
}

/** What a reader is shown, without the places in the log, which every log has of its own. */
async function shownOf(service: RunningService, { project, key }: Account) {
  const at = `/api/projects/${project}`;
  const replay = await checkedFetch(`${service.url}${at}/replay`, { headers: { "X-API-Key": key } });
  const events = (await replay.text()).trim().split("\n");
  const ids = events.map((line) => JSON.parse(line).event_id as string);
  const incidents = [...new Set(events.map((line) => JSON.parse(line).data.incident_id as string))].sort();
  const timelines: unknown[] = [];
  for (const incident of incidents)
    timelines.push(withoutPlaces((await service.get(`${at}/incidents/${incident}/timeline`, key)).body));
  const mttr = withoutPlaces((await service.get(`${at}/mttr`, key)).body);
  const pairs = withoutPlaces((await service.get(`${at}/pairs?limit=500`, key)).body);
  return { ids: ids.sort(), timelines, mttr, pairs };
}

function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !/position|cursor|next/.test(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutPlaces(inner)]));
}
