// Two registries on a real event store, as two processes would hold them: what one changes the other knows within a
// second, and while the store is away both go on knowing who a key is.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { type Instant, instantFromEpochMs } from "../../src/domain/instant.ts";
import { connectEventStore, type EventStore } from "../../src/eventstore/client.ts";
import { type Change, type RegistryService, startRegistry } from "../../src/intake/registry.ts";
import { quiet, type StoreProcess, storeProcess, until } from "../eventstore/adapter-store.ts";
import { type Report, reportedTests } from "../gate/reported-test.ts";

const now = instantFromEpochMs(Date.UTC(2025, 2, 1)) as Instant;
let server: StoreProcess;
let stores: readonly EventStore[];
let a: RegistryService;
let b: RegistryService;

beforeAll(async () => {
  server = await storeProcess();
  const [appending, following] = [1, 2].map(() => connectEventStore({ url: server.url, log: quiet }));
  if (appending === undefined || following === undefined) throw new Error("two clients were opened");
  stores = [appending, following];
  // One client of a process appends (src/eventstore/append.ts); each registry follows through its own.
  const start = (store: EventStore): RegistryService =>
    startRegistry({ append: appending.append, follow: store.followStream, adminKey: "admin", log: quiet });
  a = start(appending);
  b = start(following);
  await until(() => a.ready() && b.ready());
}, 30_000);

afterAll(async () => {
  await Promise.all([a.stop(), b.stop()]);
  await Promise.all(stores.map((store) => store.close()));
  await server.remove();
});

function made<T>(change: Change<T>): T {
  if (!change.ok) throw new Error(`refused: ${JSON.stringify(change.refusal)}`);
  return change.made;
}

const timed = async (report: Report, name: string, condition: () => boolean): Promise<void> => {
  const begun = performance.now();
  await until(condition);
  report.timeBound(`${name} in ms`, performance.now() - begun, { below: 1_000 });
};

const reported = reportedTests(import.meta.path);

reported.test("what one registers and revokes the other knows within a second", async (report) => {
  report.tried({ registered: 1, revoked: 1 });
  const { project_uuid } = made(await a.registerProject({ name: "shop" }, now));
  const { key, secret } = made(await a.issueKey(project_uuid, { label: "ci", scopes: ["ingest"] }, now));
  await timed(report, "known", () => b.authenticate(secret, now).tag === "key");
  made(await b.revokeKey(project_uuid, key.key_id, now));
  const answered = b.authenticate(secret, now);
  report.found({ answered });
  expect(answered).toEqual({ tag: "refused", reason: "revoked" });
  await timed(report, "revoked", () => a.authenticate(secret, now).tag === "refused");
});

test("both ask for the same repo_uuid: one gets it, and no change of either is lost", async () => {
  const { project_uuid } = made(await a.registerProject({ name: "busy" }, now));
  await until(() => b.project(project_uuid) !== undefined);
  const repo_uuid = "7c1d8f6e-0a54-4f2b-9d55-0e4b5a6c7d88";
  const changes = await Promise.all([
    ...[a, b].map((one) => one.registerRepository(project_uuid, { name: "same", repo_uuid }, now)),
    ...Array.from({ length: 6 }, (_, n) =>
      (n % 2 === 0 ? a : b).registerRepository(project_uuid, { name: `own ${n}` }, now),
    ),
  ]);
  expect(changes.slice(0, 2).filter(({ ok }) => ok)).toHaveLength(1);
  expect(changes.slice(2).every(({ ok }) => ok)).toBe(true);
  await until(() => [a, b].every((one) => one.project(project_uuid)?.repositories.size === 7));
});

test("while the store is away keys are known and changes are not; afterwards both hear again", async () => {
  const { project_uuid } = made(await a.registerProject({ name: "away" }, now));
  const { secret } = made(await a.issueKey(project_uuid, { label: "ci", scopes: ["read"] }, now));
  await until(() => b.authenticate(secret, now).tag === "key");
  await server.kill();
  for (const one of [a, b]) expect(one.authenticate(secret, now).tag).toBe("key");
  expect(await a.changeProject(project_uuid, { name: "new" })).toMatchObject({
    ok: false,
    refusal: { code: "unavailable" },
  });
  await server.start();
  await until(async () => (await a.changeProject(project_uuid as ProjectUuid, { name: "newer" })).ok);
  await until(() => b.project(project_uuid)?.name === "newer");
}, 60_000);
