// How long a refusal takes tells nothing: not how much of a key was right, not whether another project is there. Welch's
// test on interleaved timings, in this process, where there is no network to hide a difference. That keys
// are compared by their hash and in the same steps is in test/intake/compared-keys.test.ts.

import { afterAll, beforeAll, expect } from "bun:test";
import { type Instant, parseInstant } from "../../src/domain/instant.ts";
import { startRegistry } from "../../src/intake/registry.ts";
import { reportedTests } from "../gate/reported-test.ts";
import { adminKey, projectA } from "../http/http-side.ts";
import { memoryLog } from "../intake/memory-log.ts";
import { createWholeSide, type WholeSide } from "./whole-side.ts";

const { random, test } = reportedTests(import.meta.path);

/** A true difference shows in every run; chance shows one in a hundred at this level. */
const level = 0.01;
const runs = 3;

let side: WholeSide;
let key: string;
beforeAll(async () => {
  side = await createWholeSide();
  key = await side.keyFor(projectA, ["ingest", "read"]);
});
afterAll(() => side.stop());

interface Welch {
  readonly t: number;
  readonly p: number;
  readonly differenceNs: number;
}

/** Two-sided; with so many timings t is as good as normally distributed. */
function welch(one: readonly number[], other: readonly number[]): Welch {
  const [a, b] = [momentsOf(one), momentsOf(other)];
  const t = (a.mean - b.mean) / Math.sqrt(a.variance / one.length + b.variance / other.length);
  return { t, p: tailsBeyond(Math.abs(t)), differenceNs: (a.mean - b.mean) * 1e6 };
}

function momentsOf(figures: readonly number[]): { mean: number; variance: number } {
  const mean = figures.reduce((sum, one) => sum + one, 0) / figures.length;
  const variance = figures.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (figures.length - 1);
  return { mean, variance };
}

/** The probability of a normal figure beyond z on either side (Abramowitz and Stegun 7.1.26). */
function tailsBeyond(z: number): number {
  const x = z / Math.SQRT2;
  const u = 1 / (1 + 0.3275911 * x);
  const polynomial =
    ((((1.061405429 * u - 1.453152027) * u + 1.421413741) * u - 0.284496736) * u + 0.254829592) * u;
  return Math.min(1, polynomial * Math.exp(-x * x));
}

/** Make two kinds of the same thing: each is used once, so that no single one and its place in memory is measured. */
type Kinds = readonly [() => string, () => string];

/**
 * Timings of both in an order of chance. Which of the two it is, the loop does not know: what it would do with that
 * takes longer than what is looked for. The slowest tenth is the machine's, not theirs.
 */
async function compare(run: (given: string) => unknown, kinds: Kinds, count: number): Promise<Welch> {
  const which = Uint8Array.from({ length: count * 2 }, () => random.below(2));
  // Flat, as the strings of requests are, made in the order of their use and with the same garbage beside them: nothing
  // but what they say tells them apart.
  const given = Array.from(which, (kind) => {
    const both = [kinds[0](), kinds[1]()] as const;
    return Buffer.from(both[kind as 0 | 1]).toString("latin1");
  });
  // What comes first is being compiled.
  for (const one of given.slice(0, 5_000)) await run(one);
  const took = new Float64Array(given.length);
  for (let n = 0; n < given.length; n++) {
    const startedAt = performance.now();
    const running = run(given[n] ?? "");
    if (running instanceof Promise) await running;
    took[n] = performance.now() - startedAt;
  }
  const longest = took.toSorted()[Math.floor(took.length * 0.9)] ?? 0;
  const ofKind = (kind: number): number[] => [...took].filter((ms, n) => which[n] === kind && ms <= longest);
  return welch(ofKind(0), ofKind(1));
}

/** The run in which they looked most alike. */
async function mostAlike(
  name: string,
  run: (given: string) => unknown,
  kinds: Kinds,
  count: number,
): Promise<Welch> {
  const found: Welch[] = [];
  for (let n = 0; n < runs; n++) found.push(await compare(run, kinds, count));
  for (const { t, p, differenceNs } of found)
    console.log(
      `${name}: 2 x ${count}: t ${t.toFixed(2)}, p ${p.toFixed(3)}, difference ${differenceNs.toFixed(1)} ns`,
    );
  return found.reduce((best, one) => (one.p > best.p ? one : best));
}

const anyKey = (length: number): string =>
  Buffer.from(Uint8Array.from({ length }, () => random.below(256)))
    .toString("base64url")
    .slice(0, length);

const anyUuid = (): string => {
  const digits = Array.from({ length: 32 }, () => random.below(16).toString(16)).join("");
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
};

test("the test itself sees a comparison that stops at the first difference", async (report) => {
  const secret = anyKey(4_000);
  const stopping = (given: string): boolean => {
    for (let at = 0; at < secret.length; at++)
      if (given.charCodeAt(at) !== secret.charCodeAt(at)) return false;
    return true;
  };
  const kinds = [() => secret.slice(0, -1) + anyKey(1), () => anyKey(secret.length)] as const;
  const { p } = await compare(stopping, kinds, 2_000);
  report.tried({ timings: 2 * 2_000 });
  report.found({ p });
  expect(p).toBeLessThan(level);
});

test("S9: a key of which all but the end is right is refused as quickly as one that is all wrong", async (report) => {
  const now = instant("2025-03-01T00:00:00Z");
  const log = memoryLog();
  const registry = startRegistry({
    append: log.append,
    follow: log.follow,
    adminKey,
    log: { warn: () => {} },
  });
  while (!registry.ready()) await new Promise((resolve) => setImmediate(resolve));
  const made = await registry.registerProject({ name: "A" }, now);
  if (!made.ok) throw new Error("no project");
  const issued = await registry.issueKey(made.made.project_uuid, { label: "k", scopes: ["ingest"] }, now);
  if (!issued.ok) throw new Error("no key");
  for (const [name, right] of [
    ["S9, a project's key", issued.made.secret],
    ["S9, the admin key", adminKey],
  ] as const) {
    const nearly = (): string => `${right.slice(0, -8)}${anyKey(7)}~`;
    const wrong = (): string => `${anyKey(right.length - 1)}~`;
    const authenticate = (given: string) => registry.authenticate(given, now);
    for (const make of [nearly, wrong]) expect(authenticate(make()).tag).toBe("refused");
    await mostAlike(`${name}, wrong and wrong`, authenticate, [wrong, wrong], 50_000);
    const { p } = await mostAlike(`${name}, nearly right and wrong`, authenticate, [nearly, wrong], 50_000);
    report.tried({ [name]: `${runs} times 2 x 50,000 timings` });
    report.found({ [`${name}, p`]: p });
    expect(p).toBeGreaterThan(level);
  }
}, 120_000);

test("S11: another project's is refused as quickly as what is not there", async (report) => {
  const ask = (path: string) => (project: string) =>
    side.handle(
      new Request(`http://ledger/api/projects/${project}/${path}`, { headers: { "X-API-Key": key } }),
    );
  let bodies = 0;
  // A body that came before is kept once only, which is quicker than keeping it: every body is a new one.
  const webhook = () => ({
    incident_id: `i${100_000 + bodies++}`,
    project_uuid: projectA,
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00Z",
  });
  const post = (name: "project_uuid" | "repo_uuid") => (uuid: string) =>
    side.handle(
      new Request("http://ledger/api/incidents/webhook/", {
        method: "POST",
        headers: { "X-API-Key": key },
        body: JSON.stringify({ ...webhook(), [name]: uuid }),
      }),
    );
  const projects: string[] = [];
  const repositories: string[] = [];
  for (let n = 0; n < 200; n++) {
    const asked = { key: adminKey, body: { name: `B${n}` } };
    const made = await side.ask("POST", "/api/projects", asked);
    const repository = await side.ask("POST", `/api/projects/${made.body.project_uuid}/repositories`, asked);
    projects.push(made.body.project_uuid);
    repositories.push(repository.body.repo_uuid);
  }
  let next = 0;
  const one = (list: readonly string[]) => () => list[next++ % list.length] ?? "";
  for (const [name, run, others] of [
    ["the incidents", ask("incidents"), projects],
    ["the replay", ask("replay"), projects],
    ["the webhook", post("project_uuid"), projects],
    ["the webhook's repository", post("repo_uuid"), repositories],
  ] as const) {
    expect((await run(others[0] ?? "")).status).toBe(404);
    const { p } = await mostAlike(`S11, ${name}`, run, [one(others), anyUuid], 15_000);
    report.tried({ [name]: `${runs} times 2 x 15,000 timings` });
    report.found({ [`${name}, p`]: p });
    expect(p).toBeGreaterThan(level);
  }
}, 180_000);

function instant(text: string): Instant {
  const read = parseInstant(text);
  if (!read.ok) throw new Error(read.problem);
  return read.value;
}
