// The registry: projects, repositories, API keys and status mappings, as a state that its events build, and the rules
// for changing it. Pure: time, ids and secrets' digests come in as arguments.

import { type KeyId, type ProjectUuid, parseProjectUuid, parseRepoUuid, type RepoUuid } from "./ids.ts";
import { type Instant, parseInstant } from "./instant.ts";
import { type Quota, readQuota, sameQuota } from "./quota.ts";
import type { Matching } from "./signal.ts";
import { normaliseStatus } from "./status.ts";
import type { Scope, StoredEvent } from "./stored-events.ts";

export interface Project {
  readonly project_uuid: ProjectUuid;
  readonly name: string;
  readonly matching: Matching;
  readonly created_at: Instant;
  readonly repositories: ReadonlyMap<RepoUuid, Repository>;
  readonly keys: ReadonlyMap<KeyId, ApiKey>;
  /** Normalised word -> kind. */
  readonly mappings: Readonly<Record<string, "ALERT" | "RECOVERY">>;
}

export interface Repository {
  readonly repo_uuid: RepoUuid;
  readonly project_uuid: ProjectUuid;
  readonly name: string;
  readonly created_at: Instant;
}

export interface ApiKey {
  readonly key_id: KeyId;
  readonly project_uuid: ProjectUuid;
  readonly label: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the secret, lower-case hex. */
  readonly sha256: string;
  readonly expires_at: Instant | null;
  readonly created_at: Instant;
  readonly revoked_at: Instant | null;
  /** Sealed. Where there are some, what signing tools send with this key must carry the signature of one of them. */
  readonly signing_secrets?: readonly string[];
  /** Absent: it may send as much as it likes. */
  readonly quota?: Quota;
}

export type AskedQuota = Parameters<typeof readQuota>[0];

export interface Registry {
  readonly projects: ReadonlyMap<ProjectUuid, Project>;
  readonly keysByDigest: ReadonlyMap<string, ApiKey>;
  /** Every repository's project, in all projects. */
  readonly repositories: ReadonlyMap<RepoUuid, ProjectUuid>;
}

export type RegistryEvent = Exclude<
  StoredEvent,
  { type: "IncidentSignalRecorded" | "PayloadQuarantined" | "QuarantineRedriven" | "WebhooksIgnored" }
>;

/** Why a change is refused. */
export type Refusal =
  | { readonly code: "invalid"; readonly details: string }
  | { readonly code: "not_found"; readonly details: string }
  | { readonly code: "exists"; readonly details: string };

export type Decision<T> =
  | { readonly ok: true; readonly event: RegistryEvent; readonly made: T }
  /** The change asks for what is already so. */
  | { readonly ok: true; readonly event: null; readonly made: T }
  | { readonly ok: false; readonly refusal: Refusal };

const refused = (code: Refusal["code"], details: string): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { code, details },
});

/** A registry that holds nothing, to be built by `applyRegistryEvent`. The maps are mutated by it alone. */
export const emptyRegistry = (): Registry => ({
  projects: new Map(),
  keysByDigest: new Map(),
  repositories: new Map(),
});

const longestName = 200;
const mostMappings = 500;
const mostKeys = 1_000;
const mostRepositories = 10_000;

export function decideProject(
  registry: Registry,
  asked: { readonly name: string; readonly project_uuid?: string },
  given: { readonly newUuid: string; readonly now: Instant },
): Decision<Project> {
  const name = readName(asked.name, "name");
  if (!name.ok) return name;
  const uuid = parseProjectUuid(asked.project_uuid ?? given.newUuid);
  if (uuid === undefined) return refused("invalid", `project_uuid "${asked.project_uuid}" is not a UUID`);
  if (registry.projects.has(uuid)) return refused("exists", `A project with UUID '${uuid}' exists already`);
  return {
    ok: true,
    event: {
      type: "ProjectRegistered",
      data: { project_uuid: uuid, name: name.value, created_at: given.now },
    },
    made: newProject(uuid, name.value, given.now),
  };
}

export function decideProjectChange(
  project: Project,
  asked: { readonly name?: string; readonly matching?: Matching },
): Decision<Project> {
  const name = asked.name === undefined ? undefined : readName(asked.name, "name");
  if (name?.ok === false) return name;
  const made = {
    ...project,
    ...(name === undefined ? {} : { name: name.value }),
    ...(asked.matching === undefined ? {} : { matching: asked.matching }),
  };
  if (made.name === project.name && made.matching === project.matching)
    return { ok: true, event: null, made };
  return {
    ok: true,
    event: {
      type: "ProjectChanged",
      data: {
        project_uuid: project.project_uuid,
        ...(name === undefined ? {} : { name: name.value }),
        ...(asked.matching === undefined ? {} : { matching: asked.matching }),
      },
    },
    made,
  };
}

export function decideRepository(
  registry: Registry,
  project: Project,
  asked: { readonly name: string; readonly repo_uuid?: string },
  given: { readonly newUuid: string; readonly now: Instant },
): Decision<Repository> {
  const name = readName(asked.name, "name");
  if (!name.ok) return name;
  const uuid = parseRepoUuid(asked.repo_uuid ?? given.newUuid);
  if (uuid === undefined) return refused("invalid", `repo_uuid "${asked.repo_uuid}" is not a UUID`);
  // Says nothing of whose it is: another project's repositories are nobody else's business.
  if (registry.repositories.has(uuid)) return refused("exists", `The repo_uuid '${uuid}' is in use`);
  if (project.repositories.size >= mostRepositories) {
    return refused("invalid", `A project has at most ${mostRepositories} repositories`);
  }
  const made: Repository = {
    repo_uuid: uuid,
    project_uuid: project.project_uuid,
    name: name.value,
    created_at: given.now,
  };
  return { ok: true, event: { type: "RepositoryRegistered", data: made }, made };
}

export function decideKey(
  project: Project,
  asked: {
    readonly label: string;
    readonly scopes: readonly string[];
    readonly expires_at?: string | null;
    readonly quota?: AskedQuota | null;
  },
  given: {
    readonly keyId: KeyId;
    readonly sha256: string;
    readonly now: Instant;
    /** Sealed. */
    readonly signingSecrets?: readonly string[];
  },
): Decision<ApiKey> {
  const label = readName(asked.label, "label");
  if (!label.ok) return label;
  const scopes = [...new Set(asked.scopes)].filter(
    (scope): scope is Scope => scope === "ingest" || scope === "read",
  );
  if (scopes.length === 0 || asked.scopes.some((scope) => scope !== "ingest" && scope !== "read")) {
    return refused("invalid", 'scopes must be a list of "ingest" and "read", at least one');
  }
  let expires: Instant | null = null;
  if (asked.expires_at !== undefined && asked.expires_at !== null) {
    const parsed = parseInstant(asked.expires_at);
    if (!parsed.ok)
      return refused("invalid", `Cannot read expires_at "${asked.expires_at}": ${parsed.problem}`);
    if (parsed.value <= given.now) return refused("invalid", `expires_at "${asked.expires_at}" has passed`);
    expires = parsed.value;
  }
  const quota = asked.quota ? readQuota(asked.quota) : undefined;
  if (quota?.ok === false) return refused("invalid", quota.problem);
  if (project.keys.size >= mostKeys) return refused("invalid", `A project has at most ${mostKeys} keys`);
  const made: ApiKey = {
    key_id: given.keyId,
    project_uuid: project.project_uuid,
    label: label.value,
    scopes,
    sha256: given.sha256,
    expires_at: expires,
    created_at: given.now,
    revoked_at: null,
    ...(given.signingSecrets === undefined ? {} : { signing_secrets: given.signingSecrets }),
    ...(quota === undefined ? {} : { quota: quota.value }),
  };
  const { revoked_at: _, ...data } = made;
  return { ok: true, event: { type: "ApiKeyIssued", data }, made };
}

/** null: none from now on. */
export function decideQuota(project: Project, keyId: string, asked: AskedQuota | null): Decision<ApiKey> {
  const key = project.keys.get(keyId.toLowerCase() as KeyId);
  if (key === undefined) return refused("not_found", `No key with id '${keyId}' in this project`);
  if (key.revoked_at !== null) return refused("invalid", `The key '${keyId}' is revoked`);
  const read = asked === null ? undefined : readQuota(asked);
  if (read?.ok === false) return refused("invalid", read.problem);
  const made = withQuota(key, read?.value);
  if (sameQuota(key.quota, made.quota)) return { ok: true, event: null, made: key };
  return {
    ok: true,
    event: {
      type: "ApiKeyQuotaSet",
      data: { key_id: key.key_id, project_uuid: project.project_uuid, quota: made.quota ?? null },
    },
    made,
  };
}

export function decideRevocation(
  project: Project,
  keyId: string,
  given: { readonly now: Instant },
): Decision<ApiKey> {
  const key = project.keys.get(keyId.toLowerCase() as KeyId);
  if (key === undefined) return refused("not_found", `No key with id '${keyId}' in this project`);
  if (key.revoked_at !== null) return { ok: true, event: null, made: key };
  return {
    ok: true,
    event: {
      type: "ApiKeyRevoked",
      data: { key_id: key.key_id, project_uuid: project.project_uuid, revoked_at: given.now },
    },
    made: { ...key, revoked_at: given.now },
  };
}

/** Replaces the project's whole table. */
export function decideMappings(
  project: Project,
  asked: Readonly<Record<string, unknown>>,
): Decision<Project["mappings"]> {
  if (Object.keys(asked).length > mostMappings) {
    return refused("invalid", `At most ${mostMappings} statuses can be mapped`);
  }
  const entries: [string, "ALERT" | "RECOVERY"][] = [];
  for (const [word, kind] of Object.entries(asked)) {
    const normal = normaliseStatus(word);
    if (normal === "" || word.length > 512) {
      return refused("invalid", `The status "${word.slice(0, 40)}" must have 1 to 512 characters`);
    }
    if (kind !== "ALERT" && kind !== "RECOVERY") {
      return refused("invalid", `The status "${word.slice(0, 40)}" must map to "ALERT" or "RECOVERY"`);
    }
    const other = entries.find(([known]) => known === normal);
    if (other !== undefined && other[1] !== kind) {
      return refused("invalid", `The status "${normal.slice(0, 40)}" is mapped to both ALERT and RECOVERY`);
    }
    if (other === undefined) entries.push([normal, kind]);
  }
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const mappings = Object.fromEntries(entries);
  if (JSON.stringify(mappings) === JSON.stringify(project.mappings)) {
    return { ok: true, event: null, made: mappings };
  }
  return {
    ok: true,
    event: { type: "StatusesMapped", data: { project_uuid: project.project_uuid, mappings } },
    made: mappings,
  };
}

/** Maps these words and leaves the others as they are; null: the word is mapped no more. */
export function decideMappingChange(
  project: Project,
  asked: Readonly<Record<string, unknown>>,
): Decision<Project["mappings"]> {
  const words: Record<string, unknown> = { ...project.mappings };
  const said = new Map<string, unknown>();
  for (const [word, kind] of Object.entries(asked)) {
    const normal = normaliseStatus(word);
    if (said.has(normal) && said.get(normal) !== kind) {
      return refused("invalid", `The status "${normal.slice(0, 40)}" is given two kinds`);
    }
    said.set(normal, kind);
    delete words[normal];
    if (kind !== null) words[normal] = kind;
  }
  return decideMappings(project, words);
}

/** Takes the event into the registry, in place. An event that names what is not there changes nothing. */
export function applyRegistryEvent(registry: Registry, event: RegistryEvent): void {
  const projects = registry.projects as Map<ProjectUuid, Project>;
  const projectOf = (uuid: string): Project | undefined => projects.get(uuid as ProjectUuid);
  switch (event.type) {
    case "ProjectRegistered": {
      const uuid = event.data.project_uuid as ProjectUuid;
      if (!projects.has(uuid)) {
        projects.set(uuid, newProject(uuid, event.data.name, event.data.created_at as Instant));
      }
      return;
    }
    case "ProjectChanged": {
      const project = projectOf(event.data.project_uuid);
      const { project_uuid: _, ...change } = event.data;
      if (project !== undefined) projects.set(project.project_uuid, { ...project, ...change });
      return;
    }
    case "RepositoryRegistered": {
      const repository = event.data as Repository;
      const project = projectOf(repository.project_uuid);
      if (project === undefined) return;
      (project.repositories as Map<RepoUuid, Repository>).set(repository.repo_uuid, repository);
      (registry.repositories as Map<RepoUuid, ProjectUuid>).set(repository.repo_uuid, project.project_uuid);
      return;
    }
    case "ApiKeyIssued": {
      const key = { ...event.data, revoked_at: null } as ApiKey;
      keep(registry, projectOf(key.project_uuid), key);
      return;
    }
    case "ApiKeyQuotaSet": {
      const project = projectOf(event.data.project_uuid);
      const key = project?.keys.get(event.data.key_id as KeyId);
      if (key !== undefined) keep(registry, project, withQuota(key, event.data.quota ?? undefined));
      return;
    }
    case "ApiKeyRevoked": {
      const project = projectOf(event.data.project_uuid);
      const key = project?.keys.get(event.data.key_id as KeyId);
      if (key !== undefined)
        keep(registry, project, { ...key, revoked_at: event.data.revoked_at as Instant });
      return;
    }
    case "StatusesMapped": {
      const project = projectOf(event.data.project_uuid);
      if (project !== undefined) {
        projects.set(project.project_uuid, { ...project, mappings: event.data.mappings });
      }
      return;
    }
    default:
      event satisfies never;
  }
}

function keep(registry: Registry, project: Project | undefined, key: ApiKey): void {
  if (project === undefined) return;
  (project.keys as Map<KeyId, ApiKey>).set(key.key_id, key);
  (registry.keysByDigest as Map<string, ApiKey>).set(key.sha256, key);
}

function withQuota({ quota: _, ...key }: ApiKey, quota: Quota | undefined): ApiKey {
  return quota === undefined ? key : { ...key, quota };
}

const newProject = (uuid: ProjectUuid, name: string, createdAt: Instant): Project => ({
  project_uuid: uuid,
  name,
  matching: "project",
  created_at: createdAt,
  repositories: new Map(),
  keys: new Map(),
  mappings: {},
});

function readName(
  text: string,
  field: string,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly refusal: Refusal } {
  const name = text.trim();
  return name.length >= 1 && name.length <= longestName
    ? { ok: true, value: name }
    : refused("invalid", `${field} must have 1 to ${longestName} characters`);
}
