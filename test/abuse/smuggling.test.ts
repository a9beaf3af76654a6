// Request smuggling: a corpus of raw requests, each with a second one hidden in it. As many answers as requests, and the
// hidden one is never carried out.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type HttpServer, serve } from "../../src/runtime.ts";
import { adminKey, createHttpSide, type HttpSide, projectA } from "../http/http-side.ts";
import { smugglingCorpus } from "./smuggling-corpus.ts";
import { exchange } from "./wire.ts";

let side: HttpSide;
let server: HttpServer;
beforeAll(async () => {
  side = await createHttpSide();
  server = serve({ host: "127.0.0.1", port: 0, idleSeconds: 10, handle: side.handle });
});
afterAll(() => server.stop(100));

let run = 0;
const body = (incident: string): string =>
  JSON.stringify({
    incident_id: `${incident}-${run}`,
    project_uuid: projectA,
    status: "DOWN",
    incident_time: "2025-01-15T10:30:00Z",
  });

/** What was recorded for this run, by the first word of its incident_id. */
const recordedIn = (ofRun: number): readonly string[] =>
  side.appended.flatMap(({ event: { data } }) =>
    "incident_id" in data && data.incident_id.endsWith(`-${ofRun}`)
      ? [data.incident_id.split("-")[0] ?? ""]
      : [],
  );

const count = smugglingCorpus({ body, key: adminKey }).length;
describe("a request that hides another", () => {
  for (let index = 0; index < count; index++) {
    const { name, expected } = smugglingCorpus({ body, key: adminKey })[index] ?? {
      name: "",
      expected: "refused",
    };
    test(`${name}: ${expected.replaceAll("_", " ")}`, async () => {
      run = index + 1;
      const sent = smugglingCorpus({ body, key: adminKey })[index]?.bytes ?? "";
      const { answers, closed } = await exchange(
        server.port,
        sent,
        expected === "outer" || expected === "neither" ? { answers: 1 } : {},
      );
      const statuses = answers.map(({ status }) => status);
      const recorded = recordedIn(run);
      switch (expected) {
        case "refused":
          expect([400, 505]).toContain(statuses[0] ?? 0);
          expect([statuses.length, closed, recorded]).toEqual([1, true, []]);
          break;
        case "outer":
          expect([statuses, closed, recorded]).toEqual([[200], false, ["outer"]]);
          break;
        case "outer_then_refused":
          expect([statuses, closed, recorded]).toEqual([[200, 400], true, ["outer"]]);
          break;
        case "neither":
          expect([401, 404, 413]).toContain(statuses[0] ?? 0);
          expect([statuses.length, closed, recorded]).toEqual([1, false, []]);
          break;
        default:
          expected satisfies never;
      }
    });
  }
});

test("two requests that are rightly one behind the other are both carried out, so the rest shows something", async () => {
  run = 0;
  const post = (incident: string): string =>
    `POST /api/incidents/webhook/ HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nContent-Length: ${body(incident).length}\r\n\r\n${body(incident)}`;
  const { answers } = await exchange(server.port, post("first") + post("second"), { answers: 2 });
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(recordedIn(0)).toEqual(["first", "second"]);
});
