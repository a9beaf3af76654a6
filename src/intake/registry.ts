// The registry in this process's memory: built from the registry stream, changed through it. Answers who a key is.

import { hash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { KeyId, ProjectUuid, RepoUuid } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import {
  type ApiKey,
  type AskedQuota,
  applyRegistryEvent,
  type Decision,
  decideKey,
  decideMappingChange,
  decideMappings,
  decideProject,
  decideProjectChange,
  decideQuota,
  decideRepository,
  decideRevocation,
  emptyRegistry,
  type Project,
  type Refusal,
  type Registry,
  type RegistryEvent,
  type Repository,
} from "../domain/registry.ts";
import { readRegistryEvent } from "../domain/registry-events.ts";
import type { Matching } from "../domain/signal.ts";
import { registryStream } from "../domain/stored-events.ts";
import type { AppendEvents, FollowStream } from "./event-log.ts";
import { keepSnapshots } from "./registry-snapshot.ts";
import type { Sealing } from "./sealing.ts";
import { leastSigningKeyBytes, signingKeyBytes } from "./verify-signature.ts";

/** Who a key is, or why it is nobody. */
export type Authentication =
  | { readonly tag: "admin" }
  | { readonly tag: "key"; readonly key: ApiKey }
  | { readonly tag: "refused"; readonly reason: "unknown" | "revoked" | "expired" };

export type Change<T> =
  | { readonly ok: true; readonly made: T }
  | {
      readonly ok: false;
      readonly refusal: Refusal | { readonly code: "unavailable"; readonly details: string };
    };

export interface RegistryService {
  /** Whether everything stored has been read at least once. Until then nothing can be told unknown. */
  readonly ready: () => boolean;
  /** Whether keys can be told: from what is stored, or until that has been read from what was remembered of it. */
  readonly tellsKeys: () => boolean;
  readonly project: (uuid: ProjectUuid) => Project | undefined;
  readonly projects: () => readonly Project[];
  readonly hasRepository: (project: ProjectUuid, repo: RepoUuid) => boolean;
  readonly authenticate: (secret: string, now: Instant) => Authentication;
  /** The same for whoever holds the key's SHA-256, in lower-case hex, sealed by this service: a session. */
  readonly authenticateDigest: (sha256: string, now: Instant) => Authentication;
  /** When the key was last used with this process, if it was. */
  readonly lastUsed: (key: KeyId) => Instant | undefined;
  readonly registerProject: (
    asked: { name: string; project_uuid?: string },
    now: Instant,
  ) => Promise<Change<Project>>;
  readonly changeProject: (
    project: ProjectUuid,
    asked: { name?: string; matching?: Matching },
  ) => Promise<Change<Project>>;
  readonly registerRepository: (
    project: ProjectUuid,
    asked: { name: string; repo_uuid?: string },
    now: Instant,
  ) => Promise<Change<Repository>>;
  /** `secret` is told here and never again. */
  readonly issueKey: (
    project: ProjectUuid,
    asked: {
      label: string;
      scopes: readonly string[];
      expires_at?: string | null;
      signing_secrets?: readonly string[];
      quota?: AskedQuota | null;
    },
    now: Instant,
  ) => Promise<Change<{ readonly key: ApiKey; readonly secret: string }>>;
  /** null: the key may send as much as it likes from now on. */
  readonly setQuota: (
    project: ProjectUuid,
    keyId: string,
    quota: AskedQuota | null,
  ) => Promise<Change<ApiKey>>;
  /** The secrets that tools sign with when they use this key; undefined where one of them cannot be opened. */
  readonly signingSecrets: (key: ApiKey) => readonly string[] | undefined;
  readonly revokeKey: (project: ProjectUuid, keyId: string, now: Instant) => Promise<Change<ApiKey>>;
  readonly mapStatuses: (
    project: ProjectUuid,
    mappings: Readonly<Record<string, unknown>>,
  ) => Promise<Change<Project["mappings"]>>;
  /** The words that are not named stay as they are; null: the word is mapped no more. */
  readonly changeMappings: (
    project: ProjectUuid,
    words: Readonly<Record<string, unknown>>,
  ) => Promise<Change<Project["mappings"]>>;
  readonly stop: () => Promise<void>;
}

/** Every secret starts with it, so that people and scanners recognise one. */
const secretPrefix = "il_";
/** How often a change is decided anew after another process changed the registry first. */
const mostDecisions = 8;
const catchUpMs = 2_000;

export function startRegistry(options: {
  readonly append: AppendEvents;
  readonly follow: FollowStream;
  /** The admin key itself; only its digest is kept. */
  readonly adminKey: string;
  readonly log: { readonly warn: (details: object, message: string) => void };
  /** Absent: keys cannot have signing secrets. */
  readonly sealing?: Sealing;
  /**
   * What was remembered from the last time, and how to remember what is read and changed now. `remembered` counts until
   * the log has been read, then never again; it may lack what other processes did since.
   */
  readonly snapshots?: {
    readonly remembered: Registry | undefined;
    readonly save: (text: string) => Promise<void>;
  };
}): RegistryService {
  const registry = emptyRegistry();
  const remembered = options.snapshots?.remembered;
  const snapshots =
    options.snapshots && keepSnapshots({ registry, save: options.snapshots.save, log: options.log });
  const adminDigest = digestOf(options.adminKey);
  const used = new Map<KeyId, Instant>();
  let revision = -1n;
  let isReady = false;
  let wakers: (() => void)[] = [];
  let queue: Promise<unknown> = Promise.resolve();

  const take = (at: bigint, event: RegistryEvent | undefined): void => {
    if (at <= revision) return;
    revision = at;
    if (event !== undefined) applyRegistryEvent(registry, event);
    if (isReady) snapshots?.changed();
    for (const wake of wakers) wake();
    wakers = [];
  };
  /** What is known by now. */
  const known = (): Registry => (isReady ? registry : (remembered ?? registry));
  const stopFollowing = options.follow(registryStream, {
    event: (recorded) => {
      const read = readRegistryEvent(recorded);
      if (read?.ok === false) {
        options.log.warn(
          { event_id: recorded.id, type: recorded.type, reason: read.problem },
          "an event of the registry cannot be read and changes nothing",
        );
      }
      take(recorded.revision, read?.ok === true ? read.event : undefined);
    },
    caughtUp: () => {
      if (isReady) return;
      snapshots?.changed();
      isReady = true;
      warnOfShortSecrets(registry, options);
    },
    dropped: (reason) =>
      options.log.warn({ reason }, "the registry's subscription dropped; it is opened again"),
  });

  /** Waits until the revision has moved on from `from`, at most `catchUpMs`. */
  const movedOn = (from: bigint): Promise<void> =>
    new Promise((resolve) => {
      if (revision !== from) {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, catchUpMs);
      wakers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });

  const authenticate = (digest: Buffer, now: Instant): Authentication => {
    if (timingSafeEqual(digest, adminDigest)) return { tag: "admin" };
    // Found by digest: how long the look-up takes tells nothing of the secret.
    const key = known().keysByDigest.get(digest.toString("hex"));
    if (key === undefined || !timingSafeEqual(digest, Buffer.from(key.sha256, "hex"))) {
      return { tag: "refused", reason: "unknown" };
    }
    if (key.revoked_at !== null) return { tag: "refused", reason: "revoked" };
    if (key.expires_at !== null && key.expires_at <= now) return { tag: "refused", reason: "expired" };
    used.set(key.key_id, now);
    return { tag: "key", key };
  };

  /** One change at a time in this process; against other processes the expected revision guards. */
  const change = <T>(decide: () => Decision<T>): Promise<Change<T>> => {
    const result = queue.then(() => changeNow(decide));
    queue = result.catch(() => undefined);
    return result;
  };
  const changeNow = async <T>(decide: () => Decision<T>): Promise<Change<T>> => {
    if (!isReady) return unavailable("the registry has not been read yet");
    for (let attempt = 1; attempt <= mostDecisions; attempt++) {
      const decision = decide();
      if (!decision.ok) return decision;
      if (decision.event === null) return { ok: true, made: decision.made };
      const expected = revision;
      const outcome = await options.append(
        registryStream,
        [{ id: randomUUID(), ...decision.event, metadata: {} }],
        expected < 0n ? "no_stream" : expected,
      );
      switch (outcome.tag) {
        case "appended":
          take(outcome.revision, decision.event);
          return { ok: true, made: decision.made };
        case "conflict":
          await movedOn(expected);
          break;
        case "too_large":
          return { ok: false, refusal: { code: "invalid", details: "The change is too large" } };
        case "unavailable":
          return unavailable(outcome.reason);
        default:
          return outcome satisfies never;
      }
    }
    return unavailable("the registry is being changed by others at this moment");
  };
  const inProject = <T>(
    uuid: ProjectUuid,
    decide: (project: Project) => Decision<T>,
  ): (() => Decision<T>) => {
    return () => {
      const project = registry.projects.get(uuid);
      return project === undefined
        ? { ok: false, refusal: { code: "not_found", details: `Project with UUID '${uuid}' not found` } }
        : decide(project);
    };
  };

  return {
    ready: () => isReady,
    tellsKeys: () => isReady || remembered !== undefined,
    project: (uuid) => known().projects.get(uuid),
    projects: () => [...known().projects.values()],
    // Looked for among its own alone: the time it takes tells nothing of another project's.
    hasRepository: (project, repo) => known().projects.get(project)?.repositories.has(repo) === true,
    lastUsed: (key) => used.get(key),
    authenticate: (secret, now) => authenticate(digestOf(secret), now),
    authenticateDigest: (sha256, now) => authenticate(Buffer.from(sha256, "hex"), now),
    registerProject: (asked, now) => {
      const newUuid = randomUUID();
      return change(() => decideProject(registry, asked, { newUuid, now }));
    },
    changeProject: (project, asked) =>
      change(inProject(project, (found) => decideProjectChange(found, asked))),
    registerRepository: (project, asked, now) => {
      const newUuid = randomUUID();
      return change(
        inProject(project, (found) => decideRepository(registry, found, asked, { newUuid, now })),
      );
    },
    issueKey: async (project, asked, now) => {
      const secret = secretPrefix + randomBytes(32).toString("base64url");
      const { sealing } = options;
      const signing = asked.signing_secrets ?? [];
      const short = signing.findIndex((text) => signingKeyBytes(text) < leastSigningKeyBytes);
      if (short >= 0) {
        const details = `signing_secrets.${short} has ${signingKeyBytes(signing[short] ?? "")} bytes once decoded; it must have at least ${leastSigningKeyBytes}`;
        return { ok: false, refusal: { code: "invalid", details } };
      }
      if (signing.length > 0 && sealing === undefined) {
        const details = "Signing secrets need SECRETS_KEY, the same in every process";
        return { ok: false, refusal: { code: "invalid", details } };
      }
      const sealed = sealing === undefined ? [] : signing.map(sealing.seal);
      const given = {
        keyId: randomUUID() as string as KeyId,
        sha256: digestOf(secret).toString("hex"),
        now,
        ...(sealed.length === 0 ? {} : { signingSecrets: sealed }),
      };
      const made = await change(inProject(project, (found) => decideKey(found, asked, given)));
      return made.ok ? { ok: true, made: { key: made.made, secret } } : made;
    },
    signingSecrets: (key) => {
      const opened = (key.signing_secrets ?? []).map((sealed) => options.sealing?.open(sealed));
      return opened.every((secret) => secret !== undefined) ? opened : undefined;
    },
    setQuota: (project, keyId, quota) =>
      change(inProject(project, (found) => decideQuota(found, keyId, quota))),
    revokeKey: (project, keyId, now) =>
      change(inProject(project, (found) => decideRevocation(found, keyId, { now }))),
    mapStatuses: (project, mappings) =>
      change(inProject(project, (found) => decideMappings(found, mappings))),
    changeMappings: (project, words) =>
      change(inProject(project, (found) => decideMappingChange(found, words))),
    stop: async () => {
      await stopFollowing();
      await snapshots?.saved();
    },
  };
}

/** Those of keys that were issued before short ones were refused. They work on: a tool signs with them. */
function warnOfShortSecrets(
  registry: Registry,
  { sealing, log }: Pick<Parameters<typeof startRegistry>[0], "sealing" | "log">,
): void {
  for (const {
    key_id,
    project_uuid,
    label,
    revoked_at,
    signing_secrets = [],
  } of registry.keysByDigest.values()) {
    const opened = revoked_at === null ? signing_secrets.map((sealed) => sealing?.open(sealed)) : [];
    if (opened.every((secret) => secret === undefined || signingKeyBytes(secret) >= leastSigningKeyBytes))
      continue;
    log.warn(
      { key_id, project_uuid, label },
      `a key has a signing secret of fewer than ${leastSigningKeyBytes} bytes: issue a new key with a longer one`,
    );
  }
}

const unavailable = (details: string): { ok: false; refusal: { code: "unavailable"; details: string } } => ({
  ok: false,
  refusal: { code: "unavailable", details },
});

const digestOf = (secret: string): Buffer => hash("sha256", secret, "buffer");
