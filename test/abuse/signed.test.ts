// What is forged, stale or signed with a secret that is no longer there, through the route: refused, and nothing of it
// recorded. What the published examples of the schemes say is right is right here.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { verifySignature } from "../../src/intake/verify-signature.ts";
import { adminKey, projectA } from "../http/http-side.ts";
import { createWholeSide, type WholeSide } from "./whole-side.ts";

const now = "2025-03-01T00:00:00Z";
const oldSecret = `whsec_${Buffer.from("the old secret, 24 bytes").toString("base64")}`;
const newSecret = `whsec_${Buffer.from("the new secret, 24 bytes").toString("base64")}`;

let side: WholeSide;
beforeEach(async () => {
  side = await createWholeSide();
});
afterEach(() => side.stop());

const body = JSON.stringify({
  type: "incident.opened",
  timestamp: now,
  data: { incident_id: "belt-4", status: "DOWN" },
});

function signed(secret: string, moved = 0, text = body): Record<string, string> {
  const at = String(Date.parse(now) / 1000 + moved);
  const signature = createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
    .update(`msg_1.${at}.${text}`)
    .digest("base64");
  return { "webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": `v1,${signature}` };
}

async function keyWith(secrets: readonly string[]): Promise<string> {
  const made = await side.ask("POST", `/api/projects/${projectA}/keys`, {
    key: adminKey,
    body: { label: "signed", scopes: ["ingest"], signing_secrets: secrets },
  });
  expect(made.status).toBe(201);
  return made.body.key;
}

const send = (key: string, headers: Record<string, string>, raw = body) =>
  side.ask("POST", "/api/incidents/webhook/standard-webhooks", { key, raw, headers });
const stored = (): number => side.log.ofType("IncidentSignalRecorded").length;

describe("the published examples", () => {
  test("of Standard Webhooks", () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    };
    const webhook = { body: Buffer.from('{"test": 2432232314}'), headers };
    const secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
    const at = (moved: number) =>
      verifySignature("standard-webhooks", webhook, secrets, 1_614_265_330_000 + moved).ok;
    expect([at(0), at(300_000), at(-300_000), at(301_000), at(-301_000)]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  test("of GitHub", () => {
    const webhook = {
      body: Buffer.from("Hello, World!"),
      headers: {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      },
    };
    expect(verifySignature("github", webhook, ["It's a Secret to Everybody"], 0).ok).toBe(true);
    expect(verifySignature("github", webhook, ["It's a secret to everybody"], 0).ok).toBe(false);
  });
});

describe("a key with signing secrets", () => {
  test("takes what either of two secrets signed, while one is exchanged for the other", async () => {
    const key = await keyWith([oldSecret, newSecret]);
    for (const secret of [oldSecret, newSecret]) expect((await send(key, signed(secret))).status).toBe(200);
    const exchanged = await keyWith([newSecret]);
    expect((await send(exchanged, signed(oldSecret))).status).toBe(401);
    expect((await send(exchanged, signed(newSecret))).status).toBe(200);
  });

  test("refuses what is unsigned, forged, changed or older or newer than five minutes, and records nothing", async () => {
    const key = await keyWith([newSecret]);
    const right = signed(newSecret);
    const wrong: readonly (readonly [Record<string, string>, string?])[] = [
      [{}],
      [signed(oldSecret)],
      [signed(`whsec_${Buffer.from("").toString("base64")}`)],
      [right, `${body} `],
      [{ ...right, "webhook-id": "msg_2" }],
      [{ ...right, "webhook-timestamp": String(Number(right["webhook-timestamp"]) + 1) }],
      [{ ...right, "webhook-signature": "v1," }],
      [{ ...right, "webhook-signature": (right["webhook-signature"] ?? "").slice(3) }],
      [{ ...right, "webhook-signature": (right["webhook-signature"] ?? "").replace("v1", "v2") }],
      [signed(newSecret, 301)],
      [signed(newSecret, -301)],
    ];
    for (const [headers, raw] of wrong) {
      const answer = await send(key, headers, raw);
      expect([headers, answer.status, answer.body.error]).toEqual([headers, 401, "Invalid signature"]);
      for (const secret of [newSecret, oldSecret]) expect(answer.text).not.toContain(secret.slice(6));
    }
    expect(side.log.events.filter(({ stream }) => stream !== "registry")).toEqual([]);
    expect((await send(key, signed(newSecret, 299))).status).toBe(200);
    expect((await send(key, signed(newSecret, -299))).status).toBe(200);
  });

  test("played again within the five minutes, it changes nothing", async () => {
    const key = await keyWith([newSecret]);
    await send(key, signed(newSecret));
    const once = stored();
    expect(once).toBe(1);
    for (let n = 0; n < 3; n++) expect((await send(key, signed(newSecret, n))).status).toBe(200);
    expect(stored()).toBe(once);
  });
});
