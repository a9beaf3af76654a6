// Replay over HTTP: a line of JSON an event, read no faster than the caller takes it, and what happens when it breaks.

import { describe, expect, test } from "bun:test";
import type { RecordedEvent } from "../../src/domain/stored-events.ts";
import { adminKey, createHttpSide, events, projectA, projectB, recorded } from "./http-side.ts";

const at = `/api/projects/${projectA}`;
const admin = { key: adminKey };

describe("replay", () => {
  test("is one line an event, with every id and number as text", async () => {
    const http = await createHttpSide({
      replayIncident: (project, id) => events([recorded(0, { data: { project, id } }), recorded(1)]),
    });
    const answer = await http.ask("GET", `${at}/incidents/a%2Fb/replay`, admin);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(answer.text.endsWith("\n")).toBe(true);
    const lines = answer.text.trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        event_id: "00000000-0000-4000-8000-000000000000",
        type: "IncidentSignalRecorded",
        stream: `incident-${projectA}.i`,
        revision: "0",
        position: "18446744073709551000",
        recorded_at: "2025-03-01T00:00:00.000Z",
        data: { project: projectA, id: "a/b" },
        metadata: { source: "contract" },
      },
      expect.objectContaining({ revision: "1", position: "18446744073709551001" }),
    ]);
  });

  test("of a project without events is empty; of an incident without events a 404", async () => {
    const http = await createHttpSide();
    const project = await http.ask("GET", `${at}/replay`, admin);
    expect([project.status, project.text]).toEqual([200, ""]);
    expect((await http.ask("GET", `${at}/incidents/i/replay`, admin)).status).toBe(404);
  });

  test("while the event store is away is a 503", async () => {
    const http = await createHttpSide({ replayProject: () => failing(0) });
    const answer = await http.ask("GET", `${at}/replay`, admin);
    expect(answer.status).toBe(503);
    expect(answer.body.success).toBe(false);
    expect(answer.text).not.toContain("10.0.0.3");
  });

  test("that breaks off in the middle fails for the caller too", async () => {
    const http = await createHttpSide({ replayProject: () => failing(2_000) });
    const response = await http.handle(new Request(`http://ledger${at}/replay`, { headers: headers() }));
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(http.logged.some(({ message }) => message === "a replay was cut off")).toBe(true);
  });

  test("is bounded for each project, and its place comes back when it ends, is left or is only looked for", async () => {
    const http = await createHttpSide({ replayProject: () => events(many) });
    const ask = (project: string) =>
      http.handle(new Request(`http://ledger/api/projects/${project}/replay`, { headers: headers() }));
    for (let more = 0; more < 100; more++) {
      expect((await http.ask("HEAD", `${at}/replay`, admin)).status).toBe(200);
    }
    const open = await Promise.all(Array.from({ length: 32 }, () => ask(projectA)));
    expect(open.every(({ status }) => status === 200)).toBe(true);
    const refused = await ask(projectA);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    const other = await ask(projectB);
    expect(other.status).toBe(200);
    await other.body?.cancel();
    await open[0]?.text();
    const again = await ask(projectA);
    expect(again.status).toBe(200);
    await open[1]?.body?.cancel();
    expect((await ask(projectA)).status).toBe(200);
    expect((await ask(projectA)).status).toBe(503);
  });

  test("reads no further than the caller takes, and stops when the caller leaves", async () => {
    let read = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<RecordedEvent> {
      try {
        for (;;) yield recorded(read++);
      } finally {
        ended = true;
      }
    }
    const http = await createHttpSide({ replayProject: endless });
    const response = await http.handle(new Request(`http://ledger${at}/replay`, { headers: headers() }));
    const reader = response.body?.getReader();
    await reader?.read();
    const afterFirst = read;
    await new Promise((resolve) => setImmediate(resolve));
    expect(read).toBeLessThan(afterFirst + 1_000);
    await reader?.cancel();
    expect(ended).toBe(true);
  });
});

/** More than is read before somebody takes it. */
const many = Array.from({ length: 2_000 }, (_, revision) => recorded(revision));

const headers = () => ({ "X-API-Key": adminKey });

async function* failing(after: number): AsyncGenerator<RecordedEvent> {
  for (let revision = 0; revision < after; revision++) yield recorded(revision);
  throw new Error("the store at 10.0.0.3 is gone");
}
