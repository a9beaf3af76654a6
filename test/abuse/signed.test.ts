// What is forged, stale or signed with a secret that is no longer there, through the route: refused, and nothing of it
// recorded. What the published examples of the schemes say is right is right here.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { ProjectUuid } from "../../src/domain/ids.ts";
import { quarantineStream } from "../../src/domain/quarantine.ts";
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

const contractWebhook = JSON.stringify({
  project_uuid: projectA,
  incident_id: "belt-4",
  status: "DOWN",
  incident_time: now,
});
const hookPath = "/api/incidents/webhook";
const pagerduty = await Bun.file(`${import.meta.dir}/../fixtures/pagerduty/alert.json`).json();
const pagerdutyBody = JSON.stringify(pagerduty.body);
const hex = (secret: string, text: string): string => createHmac("sha256", secret).update(text).digest("hex");

describe("no way around a signature", () => {
  test("unsigned, every route refuses, whatever the source, and keeps nothing", async () => {
    const key = await keyWith([newSecret]);
    const query = "?incident_id=belt-4&status=DOWN";
    for (const [method, path, raw] of [
      ["POST", `${hookPath}/`, contractWebhook],
      ["POST", `${hookPath}/fields`, contractWebhook],
      ["POST", `${hookPath}/fields${query}`, ""],
      ["GET", `${hookPath}/fields${query}`, undefined],
      ["PUT", `${hookPath}/alertmanager`, pagerdutyBody],
      ["POST", `${hookPath}/auto`, pagerdutyBody],
      ["POST", `${hookPath}/auto`, "{ this is no JSON"],
      ["POST", `${hookPath}/cloudwatch-sns`, '{"Type":"Notification"}'],
      ["POST", `${hookPath}/`, "{ this is no JSON"],
    ] as const) {
      const answer = await side.ask(method, path, { key, ...(raw === undefined ? {} : { raw }) });
      expect([path, answer.status, answer.body.error]).toEqual([path, 401, "Invalid signature"]);
    }
    expect(side.log.events.filter(({ stream }) => stream !== "registry")).toEqual([]);
  });

  test("signed, the contract's route and fields take the body, and nothing that stands beside it", async () => {
    const key = await keyWith([newSecret]);
    for (const path of [`${hookPath}/`, `${hookPath}/fields`, `${hookPath}/auto`]) {
      const headers = signed(newSecret, 0, contractWebhook);
      expect((await side.ask("POST", path, { key, raw: contractWebhook, headers })).status).toBe(200);
    }
    expect(stored()).toBe(1);
    // A signed body says nothing here; what would be read is the address and headers of whoever holds it.
    const raw = '{"hello":1}';
    const headers = {
      ...signed(newSecret, 0, raw),
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": "x",
      "ce-type": "down",
    };
    for (const source of ["fields", "auto", "cloudevents"]) {
      const path = `${hookPath}/${source}?incident_id=forged&status=DOWN`;
      const answer = await side.ask("POST", path, { key, raw, headers });
      expect([source, answer.status, answer.body.recorded]).toEqual([source, 200, 0]);
      const empty = { key, raw: "", headers: signed(newSecret, 0, "") };
      expect((await side.ask("POST", path, empty)).body.recorded).toBe(0);
    }
    expect(stored()).toBe(1);
  });

  test("what one tool signed is not believed as another tool's", async () => {
    const key = await keyWith([newSecret]);
    const headers = { "x-hub-signature-256": `sha256=${hex(newSecret, pagerdutyBody)}` };
    for (const source of ["pagerduty", "auto"]) {
      const answer = await side.ask("POST", `${hookPath}/${source}`, { key, raw: pagerdutyBody, headers });
      expect([source, answer.status]).toEqual([source, 401]);
    }
    const right = { "x-pagerduty-signature": `v1=${hex(newSecret, pagerdutyBody)}` };
    const answer = await side.ask("POST", `${hookPath}/auto`, { key, raw: pagerdutyBody, headers: right });
    expect([answer.status, answer.body.source, answer.body.recorded]).toEqual([200, "pagerduty", 1]);
  });
});

describe("a quarantined payload", () => {
  const quarantine = `/api/projects/${projectA}/quarantine`;
  const redrive = (key: string, id: string, source = "pagerduty") =>
    side.ask("POST", `${quarantine}/${id}/redrive`, { key, body: { source } });
  const kept = async (key: string, headers: Record<string, string> = {}) =>
    (await side.ask("POST", `${hookPath}/gatus`, { key, raw: pagerdutyBody, headers })).body.quarantine_id;

  test("tells what was verified, and is read as a signing source's only where that fits", async () => {
    const key = await keyWith([newSecret]);
    const byPagerduty = { "x-pagerduty-signature": `v1=${hex(newSecret, pagerdutyBody)}` };
    const byGithub = { "x-hub-signature-256": `sha256=${hex(newSecret, pagerdutyBody)}` };
    const [fits, other] = [await kept(key, byPagerduty), await kept(key, byGithub)];
    const { items } = (await side.ask("GET", quarantine, { key: adminKey })).body;
    expect(items.map((item: { signature: string }) => item.signature)).toEqual(["pagerduty", "github"]);
    expect((await redrive(key, other)).status).toBe(401);
    expect((await redrive(key, other)).body.error).toBe("Signature not verified");
    expect(stored()).toBe(0);
    expect((await redrive(key, fits)).body.outcome).toBe("recorded");
    expect(stored()).toBe(1);
  });

  test("of a key that need not sign is read again by such a key, not by one that must", async () => {
    const [signing, plain] = [await keyWith([newSecret]), await side.keyFor(projectA, ["ingest"])];
    const id = await kept(plain);
    for (const source of ["pagerduty", "fields", "auto"]) {
      expect([source, (await redrive(signing, id, source)).status]).not.toContain(200);
    }
    expect((await redrive(plain, id)).body.outcome).toBe("recorded");
  });

  test("of before signatures were kept needs the admin key as a signing source's", async () => {
    const plain = await side.keyFor(projectA, ["ingest"]);
    const id = "00000000-0000-4000-8000-000000000001";
    await side.log.append(
      quarantineStream(projectA as ProjectUuid),
      [
        {
          id,
          type: "PayloadQuarantined",
          data: {
            project_uuid: projectA,
            quarantine_id: id,
            source: "gatus",
            reason: "not read",
            payload: pagerdutyBody,
            headers: {},
            query: {},
            received_at: "2025-02-01T00:00:00.000000000Z",
            key_id: "key-1",
          },
          metadata: {},
        },
      ],
      "any",
    );
    expect((await redrive(plain, id)).status).toBe(401);
    expect((await redrive(plain, id, "gatus")).body.outcome).toBe("unrecognised");
    expect((await redrive(adminKey, id)).body.outcome).toBe("recorded");
  });
});

describe("a signing secret", () => {
  test("of fewer than 16 bytes is refused, naming the field", async () => {
    for (const secret of [
      "",
      "15 bytes of tex",
      `whsec_${Buffer.from("15 bytes of tex").toString("base64")}`,
    ]) {
      const answer = await side.ask("POST", `/api/projects/${projectA}/keys`, {
        key: adminKey,
        body: { label: "short", scopes: ["ingest"], signing_secrets: [newSecret, secret] },
      });
      expect([secret, answer.status]).toEqual([secret, 400]);
      expect(answer.body.details).toContain("signing_secrets.1 has");
      if (secret !== "") expect(answer.text).not.toContain(secret);
    }
    await keyWith(["16 bytes of text"]);
  });
});
