// No route tells one project anything of another: whatever a key asks about another project's things is answered word by
// word as if they were not there, and nothing of theirs is in any answer. On a real read model.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { type Answer, adminKey, projectA, projectB, repoA } from "../http/http-side.ts";
import { createFilledReadModel } from "../readmodel/filled-read-model.ts";
import { type Asked, type Ids, type Probe, tenancyProbes } from "./tenancy-probes.ts";
import { createWholeSide, type Route, type WholeSide } from "./whole-side.ts";

let model: Awaited<ReturnType<typeof createFilledReadModel>>;
let side: WholeSide;
let key: string;
let own: Ids;
let foreign: Ids;
const unknown: Ids = {
  project: "5f0c954e-97a5-4d3c-8f5b-000000000000",
  incident: "nobody-has-this-incident",
  key: "00000000-0000-4000-8000-000000000001",
  quarantine: "00000000-0000-4000-8000-000000000002",
  repository: "00000000-0000-4000-8000-000000000003",
};
/** Stands in everything of B's. */
const mark = "OF-B-ALONE";

beforeAll(async () => {
  model = await createFilledReadModel();
  side = await createWholeSide({ queries: model.queries });
  key = await side.keyFor(projectA, ["ingest", "read"]);
  const keyOfB = await side.keyFor(projectB, ["ingest", "read"]);
  const idsOf = async (
    project: string,
    of: { secret: string; text: string; repository: string },
  ): Promise<Ids> => {
    const signal = {
      incident_id: `incident-${of.text}`,
      monitor_name: of.text,
      monitor_id: of.text,
      message: of.text,
    };
    const sent = { ...signal, project_uuid: project, status: "DOWN", incident_time: "2025-01-15T10:30:00Z" };
    expect((await side.ask("POST", "/api/incidents/webhook", { key: of.secret, body: sent })).status).toBe(
      200,
    );
    await model.tell(
      project as ProjectUuid,
      { ...signal, time: "2025-01-15T10:30:00Z" },
      { ...signal, time: "2025-01-15T10:40:00Z", status: "UP" },
      { ...signal, incident_id: `open-${of.text}`, time: "2025-01-15T10:50:00Z" },
      { ...signal, incident_id: `second-${of.text}`, time: "2025-01-15T11:00:00Z" },
      { ...signal, incident_id: `second-${of.text}`, time: "2025-01-15T11:10:00Z", status: "UP" },
    );
    const kept = await side.ask("POST", "/api/incidents/webhook/alertmanager", {
      key: of.secret,
      body: { text: of.text },
    });
    const keys = await side.ask("GET", `/api/projects/${project}/keys`, { key: adminKey });
    return {
      project,
      incident: signal.incident_id,
      key: keys.body.items[0].key_id,
      quarantine: kept.body.quarantine_id,
      repository: of.repository,
    };
  };
  const repository = await side.ask("POST", `/api/projects/${projectB}/repositories`, {
    key: adminKey,
    body: { name: mark },
  });
  await side.ask("PUT", `/api/projects/${projectB}/status-mappings`, {
    key: adminKey,
    body: { [mark]: "ALERT" },
  });
  own = await idsOf(projectA, { secret: key, text: "of-A", repository: repoA });
  foreign = await idsOf(projectB, { secret: keyOfB, text: mark, repository: repository.body.repo_uuid });
}, 60_000);
afterAll(async () => {
  await side.stop();
  await model.close();
});

const ask = ({ method, path, body }: Asked, secret = key): Promise<Answer> =>
  side.ask(method, path, { key: secret, ...(body === undefined || method === "GET" ? {} : { body }) });

/** The answer without the ids that it was asked about. */
function seen(answer: Answer, ids: Ids): object {
  let { text } = answer;
  for (const [name, id] of Object.entries(ids)) text = text.replaceAll(id, `<${name}>`);
  return { status: answer.status, text, headers: Object.fromEntries(answer.headers) };
}

test("every route answers for another project's as for what is not there", async () => {
  const probes: readonly Probe[] = tenancyProbes(side.routes, { own, foreign, unknown });
  expect(probes.length).toBeGreaterThan(25);
  for (const { name, ...asked } of probes) {
    const [theirs, nobodys] = [await ask(asked.foreign), await ask(asked.unknown)];
    expect([name, seen(theirs, foreign)]).toEqual([name, seen(nobodys, unknown)]);
    // A handshake answers for no project at all.
    const isHandshake = name.startsWith("OPTIONS ") && theirs.status === 200 && theirs.text === "";
    expect([name, isHandshake || theirs.status === 401 || theirs.status === 404]).toEqual([name, true]);
    expect(theirs.text.replaceAll(foreign.incident, "")).not.toContain(mark);
  }
});

/** Its own answer to a stream does not end: test/http/stream.test.ts has another's. */
const endingOfProject = ({ template }: Route): boolean =>
  template.includes("{project}") && !template.endsWith("/stream");

test("the same requests about one's own are answered, so the rest shows something", async () => {
  const reading = side.routes.filter(({ method, access }) => method === "GET" && access === "key");
  const telling: string[] = [];
  for (const route of reading.filter(endingOfProject)) {
    const path = route.path(own);
    expect([path, (await ask({ method: "GET", path })).status]).toEqual([path, 200]);
    const theirs = await ask({ method: "GET", path: route.path(foreign) }, adminKey);
    if (theirs.text.includes(mark)) telling.push(route.template.replace("/api/projects/{project}", ""));
  }
  expect(telling).toEqual(
    expect.arrayContaining([
      "/repositories",
      "/status-mappings",
      "/incidents",
      "/incidents/{incident}",
      "/incidents/{incident}/timeline",
      "/incidents/{incident}/replay",
      "/pairs",
      "/replay",
    ]),
  );
});

test("no list of one's own holds anything of another's, with its cursors neither", async () => {
  const lists = side.routes.filter(({ method, access }) => method === "GET" && access === "key");
  const withCursor: string[] = [];
  for (const route of lists.filter(endingOfProject)) {
    const theirs = await ask({ method: "GET", path: `${route.path(foreign)}?limit=1` }, adminKey);
    const cursor = theirs.body?.next_cursor as string | null | undefined;
    if (typeof cursor === "string") withCursor.push(route.template);
    const queries = [
      "",
      ...(cursor === null || cursor === undefined
        ? []
        : [`?cursor=${cursor}`, `?limit=500&cursor=${cursor}`]),
    ];
    for (const query of queries) {
      const answer = await ask({ method: "GET", path: route.path(own) + query });
      expect([200, 400]).toContain(answer.status);
      expect([route.template, query, answer.text.includes(mark)]).toEqual([route.template, query, false]);
    }
  }
  expect(withCursor).toEqual(
    expect.arrayContaining([
      "/api/projects/{project}/incidents",
      "/api/projects/{project}/incidents/{incident}/timeline",
      "/api/projects/{project}/pairs",
    ]),
  );
  for (const filter of ["monitor_id", "repo_uuid", "incident_id"]) {
    const value =
      filter === "repo_uuid" ? foreign.repository : filter === "monitor_id" ? mark : foreign.incident;
    for (const list of ["incidents", "pairs", "mttr"]) {
      const answer = await ask({
        method: "GET",
        path: `/api/projects/${projectA}/${list}?${filter}=${value}`,
      });
      expect([200, 400]).toContain(answer.status);
      if (answer.status === 200 && list !== "mttr") expect(answer.body.items).toEqual([]);
      if (answer.status === 200 && list === "mttr") expect(answer.body.n).toBe(0);
    }
  }
});

test("nothing was changed by any of it", async () => {
  // In its own streams and in the registry's.
  const ofB = () =>
    side.log.events.filter(({ stream, data }) => `${stream}${JSON.stringify(data)}`.includes(projectB));
  const before = ofB().length;
  expect(before).toBeGreaterThan(4);
  for (const { foreign: asked } of tenancyProbes(side.routes, { own, foreign, unknown })) await ask(asked);
  expect(ofB().length).toBe(before);
  const keys = await side.ask("GET", `/api/projects/${projectB}/keys`, { key: adminKey });
  expect(keys.body.items.filter(({ revoked_at }: { revoked_at: unknown }) => revoked_at !== null)).toEqual(
    [],
  );
});
