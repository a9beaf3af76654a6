// What tools sign is believed only with a secret of the key, unchanged and, where it is dated, fresh.

import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import {
  type SecretScheme,
  type SignedWebhook,
  signingKeyBytes,
  verifyAnySignature,
  verifySignature,
} from "../../src/intake/verify-signature.ts";

const body = Buffer.from('{"status":"firing","name":"ünïcode"}\n');
const secret = "whsec_c2VjcmV0LW9mLXR3ZW50eS1mb3VyLWJ5dGVz";
const now = Date.parse("2025-01-15T10:30:00Z");
const seconds = String(now / 1000);

const hex = (before = "", key: string | Buffer = secret): string =>
  createHmac("sha256", key).update(before).update(body).digest("hex");
const base64 = (before: string): string =>
  createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
    .update(before)
    .update(body)
    .digest("base64");

const signed: Readonly<Record<SecretScheme, readonly Readonly<Record<string, string>>[]>> = {
  grafana: [
    { "x-grafana-alerting-signature": hex() },
    {
      "x-grafana-alerting-signature": hex(`${seconds}:`),
      "x-grafana-alerting-timestamp": seconds,
    },
  ],
  pagerduty: [
    { "x-pagerduty-signature": `v1=${hex()}` },
    { "x-pagerduty-signature": `v1=${hex("", "an older secret")},v1=${hex()}` },
  ],
  sentry: [{ "sentry-hook-signature": hex() }],
  checkly: [{ "x-checkly-signature": hex() }],
  github: [{ "x-hub-signature-256": `sha256=${hex()}` }],
  jira: [{ "x-hub-signature": `sha256=${hex()}` }],
  firehydrant: [{ "fh-signature": hex() }],
  flux: [{ "x-signature": `sha256=${hex()}` }],
  instatus: [{ "x-instatus-webhook-signature": hex() }],
  rootly: [
    { "x-rootly-signature": `t=${seconds},v1=${hex(seconds)}` },
    { "x-rootly-signature": `t=${seconds}, v1=${hex(seconds, "an older secret")}, v1=${hex(seconds)}` },
  ],
  "splunk-observability": [{ "x-sfx-signature": createHmac("sha256", secret).update(body).digest("base64") }],
  vercel: [{ "x-vercel-signature": createHmac("sha1", secret).update(body).digest("hex") }],
  "standard-webhooks": [
    {
      "webhook-id": "msg_1",
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${base64(`msg_1.${seconds}.`)}`,
    },
    {
      "webhook-id": "msg_1",
      "webhook-timestamp": seconds,
      "webhook-signature": `v1a,AAAA v1,bm90IGl0 v1,${base64(`msg_1.${seconds}.`)}`,
    },
    {
      "svix-id": "msg_1",
      "svix-timestamp": seconds,
      "svix-signature": `v1,${base64(`msg_1.${seconds}.`)}`,
    },
  ],
};

for (const [scheme, examples] of Object.entries(signed) as [SecretScheme, (typeof signed)[SecretScheme]][]) {
  describe(scheme, () => {
    for (const [index, headers] of examples.entries()) {
      const check = (webhook: Partial<SignedWebhook>, secrets = [secret], at = now): boolean =>
        verifySignature(scheme, { body, headers, ...webhook }, secrets, at).ok;

      test(`example ${index + 1} is believed with its secret, also beside others`, () => {
        expect(check({})).toBe(true);
        expect(check({}, ["whsec_YW5vdGhlcg==", secret])).toBe(true);
      });
      test(`example ${index + 1} is refused with another secret, none, another body or a changed header`, () => {
        expect(check({}, ["whsec_YW5vdGhlcg=="])).toBe(false);
        expect(check({}, [])).toBe(false);
        expect(check({ body: Buffer.concat([body, Buffer.from(" ")]) })).toBe(false);
        for (const name of Object.keys(headers)) {
          const { [name]: _, ...others } = headers;
          // Without its timestamp, a signature over a timestamp does not fit the body alone.
          expect(check({ headers: others })).toBe(false);
          expect(check({ headers: { ...headers, [name]: "0" } })).toBe(false);
        }
      });
    }
  });
}

test("the headers alone tell the scheme, whatever other signatures stand beside the right one", () => {
  const forged = { "webhook-signature": "v1,AAAA", "x-hub-signature-256": "sha256=00" };
  for (const [scheme, examples] of Object.entries(signed)) {
    for (const headers of examples) {
      const any = (more: Readonly<Record<string, string>>, secrets = [secret]) =>
        verifyAnySignature({ body, headers: { ...more, ...headers } }, secrets, now);
      expect(any({})).toEqual({ ok: true, scheme: scheme as SecretScheme });
      if (!("svix-id" in headers)) expect(any(forged)).toEqual({ ok: true, scheme: scheme as SecretScheme });
      expect(any({}, ["another secret of bytes"]).ok).toBe(false);
    }
  }
  expect(verifyAnySignature({ body, headers: {} }, [secret], now)).toMatchObject({
    ok: false,
    reason: expect.stringContaining("it carries none of the headers"),
  });
});

test("a secret that is no base64 never becomes an empty key of Standard Webhooks", () => {
  for (const empty of ["****************", "whsec_****", "whsec_", "shortBase64=", "c2hvcnQ="]) {
    const sign = createHmac("sha256", Buffer.from(empty.replace(/^whsec_/, ""), "base64"));
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${sign.update(`msg_1.${seconds}.`).update(body).digest("base64")}`,
    };
    expect([empty, verifyAnySignature({ body, headers }, [empty], now).ok]).toEqual([empty, false]);
  }
});

test("a secret's bytes are those of its base64 behind whsec_, else of its text", () => {
  expect([secret, "16 bytes of text", "ü", "whsec_YWJj", "whsec_"].map(signingKeyBytes)).toEqual([
    27, 16, 2, 3, 0,
  ]);
});

test("a dated signature is believed for five minutes either way, and no longer", () => {
  for (const scheme of ["grafana", "rootly", "standard-webhooks"] as const) {
    const headers = signed[scheme].find((one) => Object.values(one).join().includes(seconds)) ?? {};
    const at = (moved: number): boolean =>
      verifySignature(scheme, { body, headers }, [secret], now + moved * 1000).ok;
    expect([at(-300), at(300), at(-301), at(301)]).toEqual([true, true, false, false]);
  }
});

test("what is refused says why, and repeats nothing that was sent", () => {
  const answer = verifySignature("github", { body, headers: {} }, [secret], now);
  expect(answer).toEqual({ ok: false, reason: "the header x-hub-signature-256 is missing" });
  const wrong = verifySignature(
    "sentry",
    { body, headers: { "sentry-hook-signature": "f00" } },
    [secret],
    now,
  );
  expect(JSON.stringify(wrong)).not.toContain("f00");
});
