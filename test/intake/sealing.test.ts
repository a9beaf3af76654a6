// Signing secrets lie sealed in the event store.

import { expect, test } from "bun:test";
import { createSealing } from "../../src/intake/sealing.ts";

const sealing = createSealing("a secret of the operator");

test("what is sealed opens again, under the same secret in another process too", () => {
  const sealed = sealing.seal("whsec_é🚨");
  expect(createSealing("a secret of the operator").open(sealed)).toBe("whsec_é🚨");
});

test("the sealed text shows nothing of the secret, and no two are alike", () => {
  const [a, b] = [sealing.seal("the signing secret"), sealing.seal("the signing secret")];
  expect(a).not.toBe(b);
  expect(Buffer.from(a).toString("latin1")).not.toContain("signing");
});

test("another secret, a changed character or nonsense opens nothing", () => {
  const sealed = sealing.seal("secret");
  expect(createSealing("another secret, just as long").open(sealed)).toBeUndefined();
  const last = sealed.at(-2) === "A" ? "B" : "A";
  expect(sealing.open(`${sealed.slice(0, -2)}${last}${sealed.at(-1)}`)).toBeUndefined();
  for (const text of ["", "v1", "v1.a.b.c", "v2.x", sealed.slice(3)])
    expect(sealing.open(text)).toBeUndefined();
});
