// The same service under Deno, as an ordinary user from a clone of its own, and started by an npx that is then ended.

import { afterEach, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Account,
  checkout,
  type RunningService,
  registerProject,
  removeDataDir,
  startService,
  temporaryDataDir,
  waitFor,
  webhook,
} from "../running-service.ts";
import { childrenOn } from "../service-processes.ts";

const leftovers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const remove of leftovers.splice(0).reverse()) await remove();
});

test("Deno runs it: register, key, webhook, timeline, mttr", async () => {
  const dataDir = await dataDirFor();
  // Deno itself, of this platform's package: the script that npm puts before it passes no signal on.
  const [platform = ""] = readdirSync(join(checkout, "node_modules/@deno"));
  const deno = join(checkout, "node_modules/@deno", platform, "deno");
  const service = await startService({
    dataDir,
    awaits: "welcome",
    env: { LOG_LEVEL: "info" },
    command: [deno, "run", "--allow-all", "--quiet", "src/main.ts"],
  });
  leftovers.push(() => void service.child.kill("SIGKILL"));
  await playTheFlow(service);
  expect(await service.stop()).toBe(0);
  expect(childrenOn(dataDir)).toEqual([]);
}, 120_000);

test("an ordinary user runs it from a clone that only he may enter", async () => {
  const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
  const clone = cloneFor(account);
  const dataDir = await dataDirFor(account);
  const service = await startService({
    dataDir,
    awaits: "welcome",
    env: {
      HOME: join(clone, "home"),
      PATH: `${join(clone, "bin")}:${process.env.PATH}`,
    },
    command: [join(clone, "bin/bun"), "start"],
    cwd: clone,
    ...(account === undefined ? {} : { account }),
  });
  leftovers.push(() => void service.child.kill("SIGKILL"));
  await playTheFlow(service);
  await service.stop();
  await waitFor(() => childrenOn(dataDir).length === 0, 60_000, service.output);
}, 120_000);

test("when the npx that started it is gone, it stops in order and leaves nothing behind", async () => {
  const dataDir = await dataDirFor();
  // Like npm's own shell: it ends at SIGTERM and tells nobody.
  const service = await startService({
    dataDir,
    awaits: "welcome",
    env: { LOG_LEVEL: "info" },
    command: ["sh", "-c", `"${process.execPath}" src/main.ts & wait`, "npx"],
  });
  await playTheFlow(service);
  service.child.kill("SIGTERM");
  await waitFor(() => /stopped/i.test(service.output()), 60_000, service.output);
  await waitFor(() => childrenOn(dataDir).length === 0, 60_000, service.output);
  await service.ended;
}, 120_000);

async function dataDirFor(account?: Account): Promise<string> {
  const dataDir = await temporaryDataDir(account);
  leftovers.push(() => removeDataDir(dataDir));
  return dataDir;
}

async function playTheFlow(service: RunningService): Promise<void> {
  const { project, key } = await registerProject(service);
  const down = webhook(project, "a/b c", "DOWN", "2025-01-15T10:30:00Z");
  const up = webhook(project, "a/b c", "UP", "2025-01-15T10:42:30Z");
  expect((await service.post("/api/incidents/webhook/", key, down)).status).toBe(200);
  const last = await service.post("/api/incidents/webhook/", key, up);
  expect(last.body).toMatchObject({ success: true, message: "Incident recorded successfully" });
  const path = `/api/projects/${project}`;
  const read = `min_position=${String(last.body.position)}`;
  const timeline = await service.get(
    `${path}/incidents/${encodeURIComponent("a/b c")}/timeline?${read}`,
    key,
  );
  expect((timeline.body.items as { status: string }[]).map((item) => item.status)).toEqual(["DOWN", "UP"]);
  const mttr = await service.get(`${path}/mttr?${read}`, key);
  expect(mttr.body).toMatchObject({ n: 1, mean_seconds: 750 });
}

/** What a clone has after an install, closed to everybody but this account. */
function cloneFor(account: Account | undefined): string {
  const clone = realpathSync(mkdtempSync(join(tmpdir(), "ledger-clone-")));
  leftovers.push(() => rmSync(clone, { recursive: true, force: true }));
  for (const name of ["src", "projections", "package.json", "bun.lock", "bunfig.toml", "tsconfig.json"]) {
    cpSync(join(checkout, name), join(clone, name), { recursive: true });
  }
  mkdirSync(join(clone, "home"));
  // The user may not be allowed to where this process's own runtime lies.
  mkdirSync(join(clone, "bin"));
  copyFileSync(process.execPath, join(clone, "bin/bun"));
  // Copies, since what an install links to the cache would change its owner there too.
  execFileSync(process.execPath, ["install", "--frozen-lockfile", "--production", "--backend=copyfile"], {
    cwd: clone,
    stdio: "pipe",
  });
  if (account !== undefined) giveTo(clone, account);
  chmodSync(clone, 0o700);
  return clone;
}

function giveTo(path: string, account: Account): void {
  chownSync(path, account.uid, account.gid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) giveTo(inside, account);
    else if (entry.isFile()) chownSync(inside, account.uid, account.gid);
  }
}
