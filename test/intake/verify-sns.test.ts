// What SNS signs is told from what it did not, and a subscription is confirmed only where the operator allows it.

import { describe, expect, test } from "bun:test";
import {
  confirmSubscription,
  createSns,
  type SnsCheck,
  type SnsMode,
  textToSign,
} from "../../src/intake/verify-sns.ts";
import { selfSigned } from "./self-signed.ts";
import {
  answering,
  at,
  bytes,
  certificateUrl,
  confirmation,
  foreignUrls,
  host,
  type Message,
  notification,
  serving,
  signedWith,
  topic,
} from "./signed-by-sns.ts";

const { pem, privateKey } = selfSigned({ from: "250101000000Z", to: "260101000000Z" });
const now = at("2025-06-07T08:09:10Z");
const signed = (message: Message): Message => signedWith(privateKey, message);

function snsWith({ mode = "verify" as SnsMode, fetch = serving(pem).fetch, moment = now }) {
  const lines: string[] = [];
  const line = (details: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(details)}`);
  };
  return { ...createSns({ mode, fetch, log: { info: line, warn: line }, now: () => moment }), lines };
}

const verdict = (message: unknown, options: Parameters<typeof snsWith>[0] = {}): Promise<SnsCheck> =>
  snsWith(options).check({ body: bytes(message) });

describe("a message of SNS", () => {
  test("is taken with either version of the signature, with and without a subject", async () => {
    const { Subject: _, ...withoutSubject } = notification;
    for (const message of [
      notification,
      withoutSubject,
      { ...notification, SignatureVersion: "1" },
      confirmation,
      { ...confirmation, SignatureVersion: "2" },
      { ...confirmation, Type: "UnsubscribeConfirmation" },
    ]) {
      expect(await verdict(signed(message))).toEqual({ ok: true });
    }
    expect(await verdict({ ...signed(withoutSubject), Subject: null })).toEqual({ ok: true });
  });

  test("has its fields signed in the documented order", () => {
    expect(textToSign(new Map(Object.entries({ ...notification, Message: "a\nb" })))).toBe(
      `Message\na\nb\nMessageId\naaaa\nSubject\nALARM\nTimestamp\n2025-06-07T08:09:09.000Z\nTopicArn\n${topic}\nType\nNotification\n`,
    );
    expect(textToSign(new Map(Object.entries(confirmation)))).toBe(
      `Message\nYou have chosen to subscribe\nMessageId\nbbbb\nSubscribeURL\n${confirmation.SubscribeURL}\nTimestamp\n2025-06-07T08:09:09.000Z\nToken\nt0k3n\nTopicArn\n${topic}\nType\nSubscriptionConfirmation\n`,
    );
  });

  test("is refused where any signed field is another or missing", async () => {
    for (const message of [notification, confirmation]) {
      const whole = signed(message);
      const names = Object.keys(whole).filter((name) => name !== "SigningCertURL");
      for (const name of names) {
        expect(await verdict({ ...whole, [name]: "another" })).toMatchObject({ ok: false, tag: "refused" });
        const { [name]: _, ...without } = whole;
        expect(await verdict(without)).toMatchObject({ ok: false, tag: "refused" });
      }
    }
    expect((await verdict({ ...signed(notification), SignatureVersion: "1" })).ok).toBe(false);
    expect((await verdict({ ...signed(notification), Signature: "" })).ok).toBe(false);
  });

  test("is refused where the signed text is cut into other fields", async () => {
    const genuine = signed({ ...notification, Message: "down\nMessageId\nno, it is up" });
    expect((await verdict(genuine)).ok).toBe(true);
    const recut = { ...genuine, Message: "down", MessageId: `no, it is up\nMessageId\n${genuine.MessageId}` };
    expect(await verdict(recut)).toMatchObject({ ok: false, tag: "refused" });
    const { Subject, ...rest } = genuine;
    const folded = { ...rest, MessageId: `${genuine.MessageId}\nSubject\n${Subject}` };
    expect(await verdict(folded)).toMatchObject({ ok: false, tag: "refused" });
  });

  test("is refused with the signature of another key", async () => {
    const other = selfSigned({ from: "250101000000Z", to: "260101000000Z" });
    expect(await verdict(signedWith(other.privateKey, notification))).toEqual({
      ok: false,
      tag: "refused",
      reason: "the signature is not Amazon's for this message",
    });
  });

  test("is refused without a known kind of signature, and where it is no message, asking nobody", async () => {
    const amazon = serving(pem);
    const whole = signed(notification);
    for (const wrong of [
      {},
      { ...whole, SignatureVersion: "3" },
      { ...whole, SignatureVersion: "__proto__" },
      { ...whole, SignatureVersion: 2 },
      { ...whole, Type: "constructor" },
      { ...whole, SigningCertURL: [certificateUrl] },
      { AlarmName: "raw delivery", NewStateValue: "ALARM" },
      notification,
      [whole],
      JSON.stringify(whole),
      null,
      7,
    ]) {
      expect(await verdict(wrong, { fetch: amazon.fetch })).toMatchObject({ ok: false, tag: "refused" });
    }
    const { check } = snsWith({ fetch: amazon.fetch });
    for (const body of [new Uint8Array(), new Uint8Array([0xff, 0xfe]), Buffer.from("{")]) {
      expect(await check({ body })).toMatchObject({ ok: false, tag: "refused" });
    }
    expect(amazon.asked).toEqual([]);
  });

  test("is refused before its certificate is valid and after", async () => {
    for (const [text, ok] of [
      ["2024-12-31T23:59:59Z", false],
      ["2025-01-01T00:00:00Z", true],
      ["2026-01-01T00:00:00Z", true],
      ["2026-01-01T00:00:01Z", false],
    ] as const) {
      expect((await verdict(signed(notification), { moment: at(text) })).ok).toBe(ok);
    }
  });

  test("never makes another host be asked", async () => {
    const amazon = serving(pem);
    for (const SigningCertURL of foreignUrls) {
      const answer = await verdict(signed({ ...notification, SigningCertURL }), { fetch: amazon.fetch });
      expect(answer).toMatchObject({ ok: false, tag: "refused" });
    }
    expect(amazon.asked).toEqual([]);
  });

  test("can be sent again where Amazon does not answer, and that is logged", async () => {
    const failing = answering(() => Promise.reject(new Error("no network")));
    const { check, lines } = snsWith({ fetch: failing.fetch });
    expect(await check({ body: bytes(signed(notification)) })).toMatchObject({
      ok: false,
      tag: "unavailable",
    });
    expect(lines.length).toBe(1);
  });

  test("has its certificate fetched once for many messages", async () => {
    const amazon = serving(pem);
    const { check } = snsWith({ fetch: amazon.fetch });
    for (let n = 0; n < 3; n++) expect((await check({ body: bytes(signed(notification)) })).ok).toBe(true);
    expect(amazon.urls()).toEqual([certificateUrl]);
  });
});

describe("in mode off", () => {
  test("everything is taken and nothing is fetched", async () => {
    let calls = 0;
    const fetch = () => {
      calls++;
      throw new Error("Nothing may be fetched");
    };
    const { check } = snsWith({ mode: "off", fetch });
    for (const body of [notification, signed(notification), signed(confirmation), { raw: "alarm" }, 7]) {
      expect(await check({ body: bytes(body) })).toEqual({ ok: true });
    }
    expect(await check({ body: new Uint8Array([0xff]) })).toEqual({ ok: true });
    expect(calls).toBe(0);
  });
});

describe("a subscription", () => {
  const amazonWith = (answerToConfirm: () => Response) => {
    const amazon = answering(() =>
      amazon.asked.at(-1)?.url === certificateUrl ? new Response(pem) : answerToConfirm(),
    );
    return amazon;
  };

  test("is confirmed in mode confirm, at Amazon, once the message is verified", async () => {
    const amazon = amazonWith(() => new Response("<ConfirmSubscriptionResponse/>"));
    const { check, lines } = snsWith({ mode: "confirm", fetch: amazon.fetch });
    expect(await check({ body: bytes(signed(confirmation)) })).toEqual({
      ok: true,
      note: "the subscription is confirmed",
    });
    expect(amazon.asked.map(({ url, redirect }) => [url, redirect])).toEqual([
      [certificateUrl, "error"],
      [confirmation.SubscribeURL, "error"],
    ]);
    expect(lines).toEqual([`a subscription to an SNS topic is confirmed {"topic":"${topic}"}`]);
  });

  test("is not confirmed in mode verify, for a message that is not signed, or for one of another kind", async () => {
    const attempts = [
      ["verify", signed(confirmation)],
      ["confirm", { ...signed(confirmation), Token: "another" }],
      ["confirm", { ...confirmation, Signature: "AAAA" }],
      ["confirm", signed(notification)],
      ["confirm", { ...signed(notification), SubscribeURL: confirmation.SubscribeURL }],
      ["confirm", signed({ ...confirmation, Type: "UnsubscribeConfirmation" })],
    ] as const;
    for (const [mode, message] of attempts) {
      const amazon = amazonWith(() => new Response("confirmed"));
      await verdict(message, { mode, fetch: amazon.fetch });
      expect(amazon.urls()).toEqual([certificateUrl]);
    }
  });

  test("is not confirmed for a foreign URL, another topic or another action, though signed", async () => {
    const urls = [
      ...foreignUrls,
      `${host}/`,
      confirmation.SubscribeURL.replace("ConfirmSubscription", "DeleteTopic"),
      confirmation.SubscribeURL.replace(topic, "arn:aws:sns:eu-north-1:999:other"),
    ];
    // A line break in the URL makes the message itself a wrong one.
    for (const SubscribeURL of urls.filter((url) => !url.includes("\n"))) {
      const amazon = amazonWith(() => new Response("confirmed"));
      expect(
        await verdict(signed({ ...confirmation, SubscribeURL }), { mode: "confirm", fetch: amazon.fetch }),
      ).toMatchObject({ ok: true, note: expect.stringContaining("is not confirmed") });
      expect(amazon.urls()).toEqual([certificateUrl]);
    }
  });

  test("is no matter of a notification: it is taken without a note", async () => {
    const amazon = amazonWith(() => new Response("confirmed"));
    expect(await verdict(signed(notification), { mode: "confirm", fetch: amazon.fetch })).toEqual({
      ok: true,
    });
  });

  test("that Amazon refuses is taken with a note; where it does not answer, SNS shall ask again", async () => {
    const refusing = amazonWith(() => new Response("token expired", { status: 400 }));
    expect(await verdict(signed(confirmation), { mode: "confirm", fetch: refusing.fetch })).toMatchObject({
      ok: true,
      note: expect.stringContaining("is not confirmed"),
    });
    for (const status of [301, 500]) {
      const failing = amazonWith(() => new Response("", { status }));
      const { check, lines } = snsWith({ mode: "confirm", fetch: failing.fetch });
      const answer = await check({ body: bytes(signed(confirmation)) });
      expect(answer).toMatchObject({ ok: false, tag: "unavailable" });
      expect(JSON.stringify([answer, lines])).not.toContain(confirmation.Token);
    }
  });

  test("is not confirmed for a message of another kind", async () => {
    const amazon = serving("");
    const message = new Map(Object.entries({ ...confirmation, Type: "Notification" }));
    expect((await confirmSubscription(message, amazon.fetch)).tag).toBe("refused");
    expect(amazon.asked).toEqual([]);
  });
});
