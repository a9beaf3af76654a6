// Seals the secrets that a key signs with, which have to be read again to verify a signature: AES-256-GCM under a key
// that never lies in the event store. Knows nothing of what it seals.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface Sealing {
  readonly seal: (text: string) => string;
  /** Undefined where it was sealed under another key, or changed since. */
  readonly open: (sealed: string) => string | undefined;
}

const version = "v1";

/**
 * `secret`: at least 16 characters, the same in every process that shares the event store. A text that is sealed for one
 * purpose opens for no other.
 */
export function createSealing(secret: string, purpose = "signing secrets"): Sealing {
  const key = Buffer.from(hkdfSync("sha256", secret, "incident-ledger", purpose, 32));
  return {
    seal: (text) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return [version, ...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString("base64url"))].join(
        ".",
      );
    },
    open: (text) => {
      const [found, ...parts] = text.split(".");
      const [iv, tag, sealed] = parts.map((part) => Buffer.from(part, "base64url"));
      if (found !== version || iv?.length !== 12 || tag?.length !== 16 || sealed === undefined)
        return undefined;
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, iv);
        decipher.setAuthTag(tag);
        return Buffer.concat([decipher.update(sealed), decipher.final()]).toString("utf8");
      } catch {
        return undefined;
      }
    },
  };
}
