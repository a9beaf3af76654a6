// The fast common pick: Fastify 5 and postgres.js, one validated INSERT a request. Plain JavaScript, so that Node runs it.
//   node fastify-postgres.mjs  with DATABASE_URL, API_KEY; prints {"port":N} when it listens.
import { createHash, timingSafeEqual } from "node:crypto";
import Fastify from "fastify";
import postgres from "postgres";
import { insertText, keyDigest, problemOf, rowOf } from "./webhook-row.mjs";

const sql = postgres(process.env.DATABASE_URL, { max: 20, onnotice: () => {} });
const app = Fastify({ bodyLimit: 262144 });
app.post("/webhook", async (request, reply) => {
  const digest = createHash("sha256")
    .update(request.headers["x-api-key"] ?? "")
    .digest();
  if (!timingSafeEqual(digest, keyDigest)) return reply.code(401).send({ success: false });
  const problem = problemOf(request.body);
  if (problem) return reply.code(400).send({ success: false, error: problem });
  await sql.unsafe(insertText("bench_fastify"), rowOf(request.body), { prepare: true });
  return { success: true, incident_id: request.body.incident_id };
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(JSON.stringify({ port: app.server.address().port }));
