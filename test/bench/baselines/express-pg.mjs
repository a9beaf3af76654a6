// What many would write first: Express 5 and pg, one validated INSERT a request. Plain JavaScript, so that Node runs it.
//   node express-pg.mjs  with DATABASE_URL, API_KEY; prints {"port":N} when it listens.
import { createHash, timingSafeEqual } from "node:crypto";
import express from "express";
import pg from "pg";
import { insertText, keyDigest, problemOf, rowOf } from "./webhook-row.mjs";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const app = express();
app.disable("x-powered-by");
app.use(express.json({ limit: "256kb" }));
app.post("/webhook", async (request, response) => {
  const digest = createHash("sha256")
    .update(request.get("x-api-key") ?? "")
    .digest();
  if (!timingSafeEqual(digest, keyDigest)) return response.status(401).json({ success: false });
  const problem = problemOf(request.body);
  if (problem) return response.status(400).json({ success: false, error: problem });
  try {
    await pool.query({ name: "insert", text: insertText("bench_express"), values: rowOf(request.body) });
    return response.json({ success: true, incident_id: request.body.incident_id });
  } catch {
    return response.status(500).json({ success: false });
  }
});
const server = app.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
