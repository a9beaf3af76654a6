// SNS's certificates are fetched when they are needed, kept for a day, and never taken from what others wrote.

import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { createSnsCertificates } from "../../src/intake/sns-certificates.ts";
import { selfSigned } from "./self-signed.ts";
import { answering, certificateUrl, foreignUrls, host, serving } from "./signed-by-sns.ts";

const { pem } = selfSigned({ from: "250101000000Z", to: "260101000000Z" });
const dayMs = 86_400_000;
const urlOf = (n: number): string =>
  `${host}/SimpleNotificationService-${n.toString(16).padStart(32, "0")}.pem`;

describe("a certificate", () => {
  test("is kept for a day, then fetched again", async () => {
    const amazon = serving(pem);
    const certificates = createSnsCertificates(amazon.fetch);
    for (const now of [0, 1, dayMs - 1]) expect((await certificates(certificateUrl, now)).tag).toBe("found");
    expect(amazon.asked.length).toBe(1);
    expect((await certificates(certificateUrl, dayMs)).tag).toBe("found");
    expect(amazon.asked.length).toBe(2);
  });

  test("is one of at most 16 that are kept: the oldest goes", async () => {
    const amazon = serving(pem);
    const certificates = createSnsCertificates(amazon.fetch);
    for (let n = 0; n < 17; n++) await certificates(urlOf(n), 0);
    for (let n = 1; n < 17; n++) await certificates(urlOf(n), 0);
    expect(amazon.asked.length).toBe(17);
    await certificates(urlOf(0), 0);
    expect(amazon.asked.length).toBe(18);
  });

  test("is fetched once for all who ask at once, and at most 4 are fetched at once", async () => {
    let answer = (_: string): void => {};
    const waiting = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const amazon = answering(async () => new Response(await waiting));
    const certificates = createSnsCertificates(amazon.fetch);
    const asking = [0, 0, 0, 1, 2, 3].map((n) => certificates(urlOf(n), 0));
    expect(amazon.asked.length).toBe(4);
    expect((await certificates(urlOf(4), 0)).tag).toBe("unavailable");
    answer(pem);
    expect((await Promise.all(asking)).map(({ tag }) => tag)).toEqual(Array(6).fill("found"));
    expect((await certificates(urlOf(4), 0)).tag).toBe("found");
    expect(amazon.asked.length).toBe(5);
  });

  test("that could not be fetched is asked for again", async () => {
    const amazon = answering(() => new Response(pem, { status: amazon.asked.length === 1 ? 500 : 200 }));
    const certificates = createSnsCertificates(amazon.fetch);
    expect((await certificates(certificateUrl, 0)).tag).toBe("unavailable");
    expect((await certificates(certificateUrl, 0)).tag).toBe("found");
  });

  test("is not taken from an answer that holds anything in front of it, or that is none", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const answers = [
      "",
      "no certificate",
      `<GetTopicAttributesResponse>\n${pem}`,
      pem.slice(0, 200),
      publicKey.export({ type: "spki", format: "pem" }).toString(),
    ];
    for (const text of answers) {
      expect(await createSnsCertificates(serving(text).fetch)(certificateUrl, 0)).toEqual({
        tag: "refused",
        reason: "Amazon's answer is no RSA certificate",
      });
    }
  });

  test("is asked for only where SNS keeps its certificates", async () => {
    const amazon = serving(pem);
    const certificates = createSnsCertificates(amazon.fetch);
    const elsewhere = [
      ...foreignUrls,
      `${certificateUrl}?Action=GetTopicAttributes`,
      `${certificateUrl}?`,
      `${certificateUrl}#x`,
      `${certificateUrl}/`,
      `${certificateUrl};x`,
      certificateUrl.replace(".pem", ".txt"),
      certificateUrl.replace("/Simple", "/x/../Simple"),
      certificateUrl.replace("/Simple", "//Simple"),
      certificateUrl.replace(".pem", "%2epem"),
      `${host}/?Action=GetEndpointAttributes&x=SimpleNotificationService-0a1b2c3d4e5f60718293a4b5c6d7e8f9.pem`,
      `${host}/x.pem`,
    ];
    for (const url of elsewhere) {
      expect(await certificates(url, 0)).toEqual({
        tag: "refused",
        reason: "its SigningCertURL is not one of Amazon SNS",
      });
    }
    expect(amazon.asked).toEqual([]);
  });
});
