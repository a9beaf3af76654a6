// Sessions and sign-in links: their content, their end, and that nobody else can make one.

import { expect, test } from "bun:test";
import { createSessions, digestOfKey } from "../../src/authentication/sessions.ts";
import { createSignInLinks } from "../../src/authentication/sign-in-links.ts";
import { createSealing } from "../../src/intake/sealing.ts";

const secret = "a-secret-that-several-share";
const digest = digestOfKey("il_key");
const day = 86_400_000;

function sessionsAt(clock: { now: number }) {
  return createSessions({ secret, nowMs: () => clock.now });
}

test("a session names the key by its digest alone, in every process with the same secret", () => {
  const clock = { now: 1_000 };
  const sealed = sessionsAt(clock).start(digest);
  expect(sealed).not.toContain(digest);
  expect(sessionsAt(clock).read(sealed)).toMatchObject({ digest, startedAtMs: 1_000 });
  expect(
    createSessions({ secret: "another-secret-as-long", nowMs: () => 1_000 }).read(sealed),
  ).toBeUndefined();
});

test("a text that is changed, sealed for another purpose, or no session at all is none", () => {
  const sessions = sessionsAt({ now: 0 });
  const sealed = sessions.start(digest);
  const forged = createSealing(secret).seal(
    JSON.stringify({ id: "x", digest, startedAtMs: 0, endsAtMs: 1e15 }),
  );
  for (const text of ["", "v1", "v1.a.b.c", forged, `${sealed.slice(0, -2)}AA`, sealed.toUpperCase()])
    expect(sessions.read(text)).toBeUndefined();
});

test("a session ends after 14 days, unless it is renewed; it is renewed once a day", () => {
  const clock = { now: 0 };
  const sessions = sessionsAt(clock);
  const sealed = sessions.start(digest);
  const session = sessions.read(sealed);
  if (session === undefined) throw new Error("no session");
  expect(sessions.renew(session)).toBeUndefined();
  clock.now = day;
  const renewed = sessions.renew(session) ?? "";
  clock.now = 14 * day;
  expect(sessions.read(sealed)).toBeUndefined();
  expect(sessions.read(renewed)).toMatchObject({ id: session.id, digest });
  clock.now = 15 * day;
  expect(sessions.read(renewed)).toBeUndefined();
});

test("a session that was ended is over, and so is its renewal", () => {
  const clock = { now: 0 };
  const sessions = sessionsAt(clock);
  const [one, other] = [sessions.start(digest), sessions.start(digest)];
  const session = sessions.read(one);
  if (session === undefined) throw new Error("no session");
  clock.now = 2 * day;
  const renewed = sessions.renew(session) ?? "";
  sessions.end(session);
  expect([sessions.read(one), sessions.read(renewed)]).toEqual([undefined, undefined]);
  expect(sessions.read(other)).toBeDefined();
});

test("a link signs in once, within 15 minutes, and only if it was issued here", () => {
  const clock = { now: 0 };
  const links = createSignInLinks({ nowMs: () => clock.now });
  const [used, late] = [links.issue(digest), links.issue(digest)];
  expect(links.redeem("a-guess")).toBeUndefined();
  expect(links.redeem(used)).toBe(digest);
  expect(links.redeem(used)).toBeUndefined();
  clock.now = 15 * 60_000;
  expect(links.redeem(late)).toBeUndefined();
});

test("of many links the newest 16 are good", () => {
  const links = createSignInLinks({ nowMs: () => 0 });
  const issued = Array.from({ length: 20 }, () => links.issue(digest));
  expect(issued.map((token) => links.redeem(token) !== undefined)).toEqual([
    ...Array<boolean>(4).fill(false),
    ...Array<boolean>(16).fill(true),
  ]);
});
