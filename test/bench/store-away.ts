// What becomes of webhooks while the event store is frozen, and after: how fast the spool drains alone, how old its oldest
// record becomes against the stated bound, and how soon webhooks are stored again before their answer. Judges nothing.

import { setTimeout as pause } from "node:timers/promises";
import {
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  waitFor,
} from "../running-service.ts";
import { eventStorePid } from "../service-processes.ts";
import { drive, gauge } from "./contenders.ts";
import type { Load } from "./load-driver.ts";
import { benchDirectory, started } from "./started.ts";

const settlesWithinMs = 900_000;
const lookEveryMs = 250;
/** In so many looks one after the other nothing was spooled: then webhooks are stored again. */
const quietLooks = 4;

interface Frozen {
  readonly service: RunningService;
  readonly target: Pick<Load, "port" | "path" | "key" | "project">;
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly stop: () => Promise<void>;
}

async function serviceToFreeze(ack: "store" | "spool"): Promise<Frozen> {
  const service = await startService({
    dataDir: await benchDirectory(),
    env: { ACK: ack },
    spawned: started,
  });
  const { project, key } = await registerProject(service);
  const store = eventStorePid(service.dataDir);
  if (store === undefined) throw new Error("The event store's process is not known.");
  return {
    service,
    target: { port: service.port, path: "/api/incidents/webhook/", key, project },
    freeze: () => void process.kill(store, "SIGSTOP"),
    thaw: () => void process.kill(store, "SIGCONT"),
    stop: async () => {
      await service.stop();
      await removeDataDir(service.dataDir);
    },
  };
}

/** Records a second from the spool into the event store, while nothing else comes in but the projector follows. */
export async function drainAlone({
  seconds,
  monitors,
}: {
  readonly seconds: number;
  readonly monitors: number;
}): Promise<number> {
  const { service, target, freeze, thaw, stop } = await serviceToFreeze("spool");
  const waiting = (): Promise<number> => gauge(service.url, "ledger_spool_records");
  freeze();
  const frozenAt = performance.now();
  const load = await drive({ ...target, connections: 64, seconds, run: "drain", monitors });
  const burst = await waiting();
  thaw();
  const startedAt = performance.now();
  let oldest = 0;
  await waitFor(
    async () => {
      oldest = Math.max(oldest, await gauge(service.url, "ledger_spool_oldest_seconds"));
      return (await waiting()) === 0;
    },
    settlesWithinMs,
    () => "The spool was not drained in time.",
  );
  const drainSeconds = (performance.now() - startedAt) / 1000;
  const perSecond = burst / drainSeconds;
  const frozen = (startedAt - frozenAt) / 1000;
  console.log(
    `\nevent store frozen for ${frozen.toFixed(1)} s under ${load.perSecond.toFixed(0)}/s: ${burst} spooled, drained in ${drainSeconds.toFixed(1)} s, ${perSecond.toFixed(0)}/s`,
  );
  console.log(
    `oldest record: at most ${oldest.toFixed(1)} s old; bound: outage + burst / drain rate = ${frozen.toFixed(1)} + ${burst} / ${perSecond.toFixed(0)} = ${(frozen + drainSeconds).toFixed(1)} s`,
  );
  await stop();
  return perSecond;
}

/** ACK=store, 500 recurring incidents, frozen for 3 s in the middle: when nothing is spooled any more. */
export async function storedAgain(connections: number): Promise<void> {
  const { service, target, freeze, thaw, stop } = await serviceToFreeze("store");
  const load = drive({ ...target, connections, seconds: 25, run: "away", monitors: 500 });
  await pause(4_000);
  const before = await spooledAnswers(service);
  freeze();
  await pause(3_000);
  thaw();
  const thawedAt = performance.now();
  let lastSpooledMs = 0;
  let spooled = await spooledAnswers(service);
  for (let quiet = 0; quiet < quietLooks && performance.now() - thawedAt < 18_000; quiet += 1) {
    await pause(lookEveryMs);
    const now = await spooledAnswers(service);
    if (now === spooled) continue;
    spooled = now;
    lastSpooledMs = performance.now() - thawedAt;
    quiet = -1;
  }
  const { perSecond, ok, failed } = await load;
  console.log(
    `\nfrozen for 3 s under ${connections} connections (${perSecond.toFixed(0)}/s) of 500 recurring incidents: ${before} spooled before, ${spooled - before} through the spool, the last one ${(lastSpooledMs / 1000).toFixed(1)} s after the event store's return; ${ok} answers 2xx, ${failed} others`,
  );
  await stop();
}

/** Webhooks that were acknowledged from the spool. */
async function spooledAnswers({ url }: RunningService): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^ledger_webhooks_total\{[^}]*outcome="spooled"[^}]*\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}
