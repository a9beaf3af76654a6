// The same job with a library's event store: Fastify 5 and emmett's Postgres event store, one append a request, and an
// inline projection of open and ended outages in the same transaction. Plain JavaScript, so that Node runs it.
//   node fastify-emmett.mjs  with DATABASE_URL, API_KEY; prints {"port":N} when it listens.
import { createHash, timingSafeEqual } from "node:crypto";
import { projections } from "@event-driven-io/emmett";
import { getPostgreSQLEventStore, postgreSQLProjection } from "@event-driven-io/emmett-postgresql";
import Fastify from "fastify";
import { keyDigest, problemOf } from "./webhook-row.mjs";

const alertText = `insert into bench_open_outages as o (project_uuid, incident_id, first_alert_at, latest_alert_at, alerts)
  values ($1, $2, $3, $3, 1)
  on conflict (project_uuid, incident_id) do update set latest_alert_at = excluded.latest_alert_at, alerts = o.alerts + 1`;
const recoveryText = `with gone as (
    delete from bench_open_outages where project_uuid = $1 and incident_id = $2 returning *)
  insert into bench_ended_outages select project_uuid, incident_id, first_alert_at, latest_alert_at, alerts, $3 from gone`;

const outages = postgreSQLProjection({
  name: "outages",
  canHandle: ["SignalRecorded"],
  handle: async (events, { connection }) => {
    for (const { data } of events) {
      const isAlert = data.status === "DOWN";
      await connection.client.query({
        name: isAlert ? "alert" : "recovery",
        text: isAlert ? alertText : recoveryText,
        values: [data.project_uuid, data.incident_id, data.incident_time],
      });
    }
  },
});

const store = getPostgreSQLEventStore(process.env.DATABASE_URL, {
  projections: projections.inline([outages]),
});
await store.schema.migrate();
const mostTries = 5;

/** Two webhooks of one incident at once: the second one finds the stream changed. */
async function append(stream, event) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await store.appendToStream(stream, [event]);
    } catch (error) {
      if (tries === mostTries || !/version|concurren/i.test(String(error?.message))) throw error;
    }
  }
}

const app = Fastify({ bodyLimit: 262144 });
app.post("/webhook", async (request, reply) => {
  const digest = createHash("sha256")
    .update(request.headers["x-api-key"] ?? "")
    .digest();
  if (!timingSafeEqual(digest, keyDigest)) return reply.code(401).send({ success: false });
  const { body } = request;
  const problem = problemOf(body);
  if (problem) return reply.code(400).send({ success: false, error: problem });
  const stream = `incident-${body.project_uuid}.${encodeURIComponent(body.incident_id)}`;
  await append(stream, { type: "SignalRecorded", data: { ...body, payload: JSON.stringify(body) } });
  return { success: true, incident_id: body.incident_id };
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ port: app.server.address().port }));
