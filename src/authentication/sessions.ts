// Sessions of the dashboard: made from a key once, carried by the browser as a sealed text, and nothing without that key:
// each names the key by its digest, so it ends where the key is revoked or expires, in every process. Knows no HTTP and
// no registry.

import { hash, randomBytes } from "node:crypto";
import { createSealing } from "../intake/sealing.ts";

export interface DashboardSession {
  readonly id: string;
  /** SHA-256 of the key that it was made from, lower-case hex. */
  readonly digest: string;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  readonly endsAtMs: number;
}

export interface Sessions {
  /** The sealed text of a new session. */
  readonly start: (digest: string) => string;
  /** The same session with its whole time before it again; undefined while most of that is left. */
  readonly renew: (session: DashboardSession) => string | undefined;
  /** Undefined where it is not from here, is over, or was ended. */
  readonly read: (sealed: string) => DashboardSession | undefined;
  /** In this process: where several share a key, the others know nothing of it until the session's time is over. */
  readonly end: (session: DashboardSession) => void;
}

/** Long enough for a screen on a wall, which renews it by being looked at. */
export const sessionDays = 14;
const sessionMs = sessionDays * 86_400_000;
const renewedAfterMs = 86_400_000;
/** Ended sessions that are remembered at one moment; beyond that the oldest is forgotten. */
const mostEnded = 10_000;

export const digestOfKey = (secret: string): string => hash("sha256", secret, "hex");

/** `secret`: at least 16 characters, the same in every process that is to know the sessions. */
export function createSessions(options: { readonly secret: string; readonly nowMs: () => number }): Sessions {
  const sealing = createSealing(options.secret, "dashboard sessions");
  const ended = new Map<string, number>();

  const sealed = (id: string, digest: string): string => {
    const startedAtMs = options.nowMs();
    return sealing.seal(JSON.stringify({ id, digest, startedAtMs, endsAtMs: startedAtMs + sessionMs }));
  };
  return {
    start: (digest) => sealed(randomBytes(12).toString("base64url"), digest),
    renew: ({ id, digest, startedAtMs }) =>
      options.nowMs() - startedAtMs < renewedAfterMs ? undefined : sealed(id, digest),
    read: (text) => {
      const opened = sealing.open(text);
      // The seal proves that this process, or one with the same secret, wrote the text.
      const session = opened === undefined ? undefined : (JSON.parse(opened) as DashboardSession);
      if (session === undefined || session.endsAtMs <= options.nowMs()) return undefined;
      return ended.has(session.id) ? undefined : session;
    },
    end: ({ id }) => {
      const now = options.nowMs();
      for (const [known, until] of ended) if (until <= now || ended.size >= mostEnded) ended.delete(known);
      // A renewal of it may live longer than it did itself.
      ended.set(id, now + sessionMs);
    },
  };
}
