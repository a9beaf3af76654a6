// Links that sign a person in once, without a key typed or pasted: shown on the terminal of a first start. Kept in this
// process's memory alone, as digests.

import { randomBytes } from "node:crypto";
import { digestOfKey } from "./sessions.ts";

export interface SignInLinks {
  /** A new token, good for `linkMinutes` and one use. `digest`: of the key whose session it starts. */
  readonly issue: (digest: string) => string;
  /** The digest that the token was issued for, once; undefined where it is unknown, used or too old. */
  readonly redeem: (token: string) => string | undefined;
}

export const linkMinutes = 15;
const mostIssued = 16;

export function createSignInLinks({ nowMs }: { readonly nowMs: () => number }): SignInLinks {
  const issued = new Map<string, { readonly digest: string; readonly endsAtMs: number }>();
  return {
    issue: (digest) => {
      const token = randomBytes(24).toString("base64url");
      const [oldest] = issued.keys();
      if (issued.size >= mostIssued && oldest !== undefined) issued.delete(oldest);
      issued.set(digestOfKey(token), { digest, endsAtMs: nowMs() + linkMinutes * 60_000 });
      return token;
    },
    redeem: (token) => {
      // Found by digest: how long the look-up takes tells nothing of the token.
      const name = digestOfKey(token);
      const link = issued.get(name);
      issued.delete(name);
      return link === undefined || link.endsAtMs <= nowMs() ? undefined : link.digest;
    },
  };
}
